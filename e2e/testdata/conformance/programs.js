// The orchestrators, activities and entities of the conformance apps, the same for each generation of durable-functions. What is in one generation only, the app
// of that generation has. The names of the first part are those of the samples of azure-functions-durable-js.

const fs = require("fs");
const path = require("path");
const df = require("./recorder");

const attempts = (key) => {
    const file = path.join(process.env.E2E_DIR, "attempts-" + key);
    fs.appendFileSync(file, "x");
    return fs.statSync(file).size;
};
const later = (context, ms) => new Date(context.df.currentUtcDateTime.getTime() + ms);
// In 1.x continueAsNew gives a task to yield, in 2.x and 3.x nothing.
function* again(context, input) {
    const task = context.df.continueAsNew(input);
    if (task) {
        yield task;
    }
}

exports.activities = {
    E1_SayHello: (name) => `Hello ${name}!`,
    FlakyFunction({ key, failures }) {
        const attempt = attempts(key);
        if (attempt <= failures) {
            throw new Error(`attempt ${attempt} fails`);
        }
        return attempt;
    },
    Echo: (value) => value,
    Fail(message) {
        throw new Error(message);
    },
    Exists(name) {
        if (!fs.existsSync(path.join(process.env.E2E_DIR, name))) {
            throw new Error(`${name} is missing`);
        }
        return `${name} is there`;
    },
};

exports.orchestrators = {
    *E1_HelloSequence(context) {
        const output = [];
        for (const city of ["Tokyo", "Seattle", "London"]) {
            output.push(yield context.df.callActivity("E1_SayHello", city));
        }
        return output;
    },
    *SayHelloWithActivity(context) {
        return yield context.df.callActivity("E1_SayHello", context.df.getInput());
    },
    *SayHelloWithCustomStatus(context) {
        const output = [];
        for (const city of ["Tokyo", "Seattle", "London"]) {
            output.push(yield context.df.callActivity("E1_SayHello", city));
            context.df.setCustomStatus(city);
        }
        return output;
    },
    *SayHelloWithSubOrchestrator(context) {
        return yield context.df.callSubOrchestrator("SayHelloWithActivity", context.df.getInput());
    },
    *CallActivityWithRetry(context) {
        const options = new df.RetryOptions(20, 4);
        options.backoffCoefficient = 1.5;
        options.maxRetryIntervalInMilliseconds = 40;
        options.retryTimeoutInMilliseconds = 60000;
        const attempt = yield context.df.callActivityWithRetry("FlakyFunction", options, context.df.getInput());
        return [attempt, options.firstRetryIntervalInMilliseconds, options.maxNumberOfAttempts];
    },
    *CallSubOrchestratorWithRetry(context) {
        const child = context.df.instanceId + "-child";
        return yield context.df.callSubOrchestratorWithRetry("FlakyChild", new df.RetryOptions(20, 4), context.df.getInput(), child);
    },
    *FlakyChild(context) {
        return [context.df.instanceId, context.df.parentInstanceId, yield context.df.callActivity("FlakyFunction", context.df.getInput())];
    },
    *ContinueAsNewCounter(context) {
        const { value, until } = context.df.getInput();
        yield context.df.createTimer(later(context, 5));
        if (value >= until) {
            return value;
        }
        yield* again(context, { value: value + 1, until });
    },
    *CounterOrchestration(context) {
        const counter = new df.EntityId("CounterEntity", context.df.getInput());
        const before = yield context.df.callEntity(counter, "get");
        yield context.df.callEntity(counter, "add", 5);
        return [before, yield context.df.callEntity(counter, "get")];
    },
    *AsyncCounterOrchestration(context) {
        const counter = new df.EntityId("AsyncCounterEntity", context.df.getInput());
        yield context.df.callEntity(counter, "add", 2);
        yield context.df.callEntity(counter, "add", 3);
        return yield context.df.callEntity(counter, "get");
    },
    *cancelTimer(context) {
        const work = context.df.callActivity("E1_SayHello", "Ann");
        const timeout = context.df.createTimer(later(context, 3600000));
        const winner = yield context.df.Task.any([work, timeout]);
        if (winner === timeout) {
            return "timeout";
        }
        const before = timeout.isCanceled;
        if (!timeout.isCompleted) {
            timeout.cancel();
        }
        return { result: work.result, completed: work.isCompleted, faulted: work.isFaulted, timedOut: timeout.isCompleted, before, after: timeout.isCanceled };
    },
    *ThrowsErrorInline() {
        throw Error("ThrowsErrorInline does what its name says");
    },

    // What the context tells.
    *Context(context) {
        const { df: d } = context;
        const first = { guid: d.newGuid(d.instanceId), time: d.currentUtcDateTime.toISOString(), replaying: d.isReplaying };
        const second = d.newGuid(d.instanceId);
        const seen = yield d.callActivity("Echo", first);
        const live = d.isReplaying;
        yield d.callActivity("Echo", 1);
        d.customStatus = { at: "the end" };
        return {
            id: d.instanceId, parent: d.parentInstanceId ?? null, input: d.getInput(), first, seen, second, live,
            now: d.currentUtcDateTime.toISOString(), status: d.customStatus, suppressed: context.suppressAsyncDoneError,
        };
    },
    *Child(context) {
        return { id: context.df.instanceId, parent: context.df.parentInstanceId, input: context.df.getInput() ?? "none" };
    },
    *Parent(context) {
        const named = yield context.df.callSubOrchestrator("Child", { a: 1 }, context.df.instanceId + "-named");
        return [named, yield context.df.callSubOrchestrator("Child")];
    },

    // Tasks.
    *Tasks(context) {
        const works = context.df.callActivity("Echo", { n: 1 });
        const fails = context.df.callActivity("Fail", "no luck");
        const both = yield context.df.Task.all([works, context.df.callActivity("Echo", 2)]);
        let message;
        try {
            yield fails;
        } catch (error) {
            message = error.message;
        }
        return { both, works: [works.isCompleted, works.isFaulted, works.result], fails: [fails.isCompleted, fails.isFaulted], message };
    },
    *Any(context) {
        const first = context.df.waitForExternalEvent("First");
        const second = context.df.waitForExternalEvent("Second");
        const winner = yield context.df.Task.any([first, second]);
        const loser = winner === first ? second : first;
        return [winner === second ? "Second" : "First", winner.result, loser.isCompleted, yield loser];
    },
    *AnyTimer(context) {
        const slow = context.df.waitForExternalEvent("Never");
        const timer = context.df.createTimer(later(context, context.df.getInput()));
        return (yield context.df.Task.any([slow, timer])) === timer && timer.isCompleted && !slow.isCompleted;
    },
    *LongTimer(context) {
        const timer = context.df.createTimer(later(context, 30 * 24 * 3600000));
        const event = context.df.waitForExternalEvent("Go");
        const winner = yield context.df.Task.any([timer, event]);
        timer.cancel();
        return winner === event ? event.result : "timer";
    },
    *Event(context) {
        const data = yield context.df.waitForExternalEvent("Go");
        return data === undefined ? "nothing" : data;
    },
    *Events(context) {
        const got = [];
        for (let i = 0; i < context.df.getInput(); i++) {
            got.push(yield context.df.waitForExternalEvent("Go"));
        }
        return got;
    },
    // Awaits an activity while events are there already.
    *EarlyEvents(context) {
        const open = yield context.df.waitForExternalEvent("Open");
        yield context.df.callActivity("Echo", 1);
        return [open, yield context.df.waitForExternalEvent("Go"), yield context.df.waitForExternalEvent("Go")];
    },
    // Takes one event in each execution; the others must wait for the next.
    *EventsAcross(context) {
        const got = context.df.getInput();
        const event = yield context.df.waitForExternalEvent("Go");
        if (event === "stop") {
            return got;
        }
        yield* again(context, [...got, event]);
    },

    // Failures.
    *Caught(context) {
        try {
            yield context.df.callActivity("Fail", context.df.getInput());
        } catch (error) {
            return { message: error.message, isError: error instanceof Error };
        }
    },
    *Uncaught(context) {
        yield context.df.callActivity("Fail", context.df.getInput());
    },
    *SubFails(context) {
        yield context.df.callSubOrchestrator("Uncaught", "deep down");
    },
    *ThrowText() {
        throw "just a text";
    },
    *NeedsFile(context) {
        return yield context.df.callActivity("Exists", context.df.getInput());
    },
    *NestedNeedsFile(context) {
        const done = yield context.df.callActivity("FlakyFunction", { key: context.df.instanceId, failures: 0 });
        const { depth, file } = context.df.getInput();
        if (depth > 0) {
            return [done, yield context.df.callSubOrchestrator("NestedNeedsFile", { depth: depth - 1, file }, `${context.df.instanceId}-${depth}`)];
        }
        return [done, yield context.df.callActivity("Exists", file)];
    },

    // Values.
    *EchoAll(context) {
        return yield context.df.Task.all(context.df.getInput().map((v) => context.df.callActivity("Echo", v)));
    },
    *Input(context) {
        const input = context.df.getInput();
        return input === undefined || input === null ? "none" : input;
    },
    *InputOfChild(context) {
        return yield context.df.callSubOrchestrator("Input", context.df.getInput());
    },
    *InputAgain(context) {
        const input = context.df.getInput();
        if (input.first) {
            yield* again(context, input.text);
            return;
        }
        return input;
    },
    *Deep(context) {
        const depth = context.df.getInput();
        return depth === 0 ? 0 : 1 + (yield context.df.callSubOrchestrator("Deep", depth - 1));
    },

    // Entities.
    *EntityCalls(context) {
        const key = context.df.getInput();
        const probe = new df.EntityId("Probe", key);
        const told = new df.EntityId("CounterEntity", key + "-told");
        const out = [yield context.df.callEntity(probe, "describe", { a: "text" })];
        yield context.df.callEntity(probe, "set", { n: 1 });
        out.push(yield context.df.callEntity(probe, "describe"));
        yield context.df.callEntity(probe, "tell", told.key);
        yield context.df.callEntity(probe, "destroy");
        out.push(yield context.df.callEntity(probe, "describe"));
        return out;
    },
};

function counter(context) {
    const value = context.df.getState(() => 0);
    switch (context.df.operationName) {
        case "add":
            context.df.setState(value + context.df.getInput());
            break;
        case "reset":
            context.df.setState(0);
            break;
        case "get":
            context.df.return(value);
    }
}

exports.entities = {
    CounterEntity: counter,
    async AsyncCounterEntity(context) {
        await Promise.resolve();
        counter(context);
    },
    Probe(context) {
        const { df: d } = context;
        switch (d.operationName) {
            case "describe":
                d.return({
                    name: d.entityName, key: d.entityKey, id: [d.entityId.name, d.entityId.key], operation: d.operationName, isNew: d.isNewlyConstructed,
                    state: d.getState(() => null), input: d.getInput() ?? null, suppressed: context.suppressAsyncDoneError,
                });
                break;
            case "set":
                d.setState(d.getInput());
                break;
            case "tell":
                d.signalEntity(new df.EntityId("CounterEntity", d.getInput()), "add", 7);
                break;
            case "destroy":
                d.destructOnExit();
        }
    },
};
