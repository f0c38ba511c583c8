// The orchestrators of the tests. They use what durable-functions 1.5.4 and 2.1.4 have in common, but where the name says otherwise.
"use strict";

const { EntityId } = globalThis.sdk;

const retry = (max, first = 1000, more = {}) => Object.assign({ firstRetryIntervalInMilliseconds: first, maxNumberOfAttempts: max }, more);
const later = (context, ms) => new Date(context.df.currentUtcDateTime.getTime() + ms);
const failure = (e) => "failed: " + String(e.message).split(" \n ")[0];

exports.sequence = function* (context) {
    const out = [];
    for (const city of context.df.getInput()) out.push(yield context.df.callActivity("Echo", city));
    return out;
};

exports.fanOut = function* (context) {
    const tasks = context.df.getInput().map((x, i) => context.df.callActivity("Echo" + i, x));
    return yield context.df.Task.all(tasks);
};

exports.fanOutFails = function* (context) {
    const tasks = [context.df.callActivity("Echo", "a"), context.df.callActivity("Fail", "b"), context.df.callActivity("Slow", "c")];
    try {
        yield context.df.Task.all(tasks);
        return "no failure";
    } catch (e) {
        return [failure(e).includes("Fail"), yield context.df.callActivity("Last", "d")];
    }
};

exports.nested = function* (context) {
    const c = context.df;
    const fast = c.Task.all([c.callActivity("Echo1", 1), c.callActivity("Echo2", 2)]);
    const slow = c.Task.all([c.callActivity("Echo3", 3), c.waitForExternalEvent("never")]);
    const winner = yield c.Task.any([fast, slow]);
    return [winner === fast, winner.result, yield c.callActivity("Echo4", 4)];
};

// any([retry F, A]) and then B: the ids depend on which event comes first.
exports.retryBesideActivity = function* (context) {
    const c = context.df;
    const f = c.callActivityWithRetry("Flaky", retry(5), { tag: "F", failures: 2 });
    const winner = yield c.Task.any([f, c.callActivity("A", "a")]);
    const b = yield c.callActivity("B", "b");
    return [winner.result, b, yield f];
};

exports.retriesInParallel = function* (context) {
    const c = context.df;
    return yield c.Task.all([
        c.callActivityWithRetry("Flaky1", retry(4), { tag: "F1", failures: 2 }),
        c.callActivity("A", "a"),
        c.callActivityWithRetry("Flaky2", retry(4), { tag: "F2", failures: 3 }),
        c.callActivity("B", "b"),
    ]);
};

exports.retryExhausted = function* (context) {
    try {
        return yield context.df.callActivityWithRetry("Fail", retry(context.df.getInput()), "x");
    } catch (e) {
        return [failure(e), yield context.df.callActivity("Echo", "after")];
    }
};

exports.retryTimeout = function* (context) {
    const options = retry(8, 1000, { retryTimeoutInMilliseconds: 2500 });
    const beside = context.df.callActivity("Slow", "s");
    const f = context.df.callActivityWithRetry("Fail", options, "x");
    try {
        yield context.df.Task.all([f, beside]);
    } catch (e) {
        return [failure(e), yield beside, yield context.df.callActivity("Echo", "after")];
    }
};

exports.subRetry = function* (context) {
    const r = yield context.df.callSubOrchestratorWithRetry("SubFlaky", retry(3), { tag: "S", failures: 2 });
    const named = yield context.df.callSubOrchestrator("Sub", "input", "given-id");
    return [r, named];
};

exports.timerCancelled = function* (context) {
    const c = context.df;
    const timer = c.createTimer(later(context, 3600000));
    const work = c.callActivity("Echo", "done");
    const winner = yield c.Task.any([work, timer]);
    if (winner === work) timer.cancel();
    return [winner === work, yield c.callActivity("Echo2", "after")];
};

exports.approval = function* (context) {
    const c = context.df;
    const timeout = c.createTimer(later(context, 60000));
    const approval = c.waitForExternalEvent("Approval");
    const winner = yield c.Task.any([approval, timeout]);
    if (winner === approval) {
        timeout.cancel();
        return ["approved", approval.result];
    }
    return ["timed out", yield c.callActivity("Escalate", "boss")];
};

// Task.any over the same wait again and again.
exports.reminders = function* (context) {
    const c = context.df;
    const approval = c.waitForExternalEvent("Approval");
    for (let reminders = 0; ; reminders++) {
        const timer = c.createTimer(later(context, 1000 + reminders));
        if ((yield c.Task.any([approval, timer])) === approval) {
            timer.cancel();
            return [reminders, approval.result];
        }
        yield c.callActivity("Remind", reminders);
    }
};

// A new wait of the same name in each round; the old ones are abandoned. 2.x only: 1.x gives events to the abandoned waits first.
exports.monitor2x = function* (context) {
    const c = context.df;
    const got = [];
    while (got.length < context.df.getInput()) {
        const timer = c.createTimer(later(context, 1000));
        const event = c.waitForExternalEvent("Tick");
        const winner = yield c.Task.any([event, timer]);
        if (winner === event) {
            timer.cancel();
            got.push(event.result);
            yield c.callActivity("Handle", event.result);
        }
    }
    return got;
};

exports.twoWaits = function* (context) {
    return yield context.df.Task.all([context.df.waitForExternalEvent("e"), context.df.waitForExternalEvent("e")]);
};

exports.inbox = function* (context) {
    const first = yield context.df.callActivity("Echo", "begin");
    const a = yield context.df.waitForExternalEvent("e");
    const b = yield context.df.callActivity("Echo", a);
    const d = yield context.df.waitForExternalEvent("e");
    return [first, a, b, d];
};

exports.http = function* (context) {
    const a = context.df.callActivity("Slow", "s");
    const r = context.df.callHttp("POST", "http://service/start?polls=3", "body", { "x-functions-key": "k", accept: "y" });
    const both = yield context.df.Task.all([r, a]);
    return [both[0].statusCode, both[0].content, both[1]];
};

exports.eternal = function* (context) {
    const state = context.df.getInput();
    const event = yield context.df.waitForExternalEvent("add");
    const sum = state.sum + event;
    if (state.rounds === 1) return sum;
    return context.df.continueAsNew({ sum, rounds: state.rounds - 1 });
};

exports.restartWithText = function* (context) {
    const text = context.df.getInput();
    yield context.df.callActivity("Echo", text);
    if (text.length > 3) return text;
    return context.df.continueAsNew(text + "x");
};

exports.fails = function* (context) {
    context.df.setCustomStatus({ step: 1 });
    yield context.df.callActivity("Echo", "a");
    throw new Error("my reason");
};

exports.failsWithoutMessage = function* (context) {
    yield context.df.callActivity("Echo", "a");
    throw context.df.getInput();
};

exports.unhandled = function* (context) {
    yield context.df.callActivity("Fail", "a");
};

let calls = 0;
exports.undeterministic = function* (context) {
    calls++;
    yield context.df.callActivity("Echo" + calls, "a");
    yield context.df.callActivity("Last", "a");
};

exports.guids = function* (context) {
    const out = [];
    for (let i = 0; i < 3; i++) {
        out.push(context.df.newGuid(context.df.instanceId), context.df.currentUtcDateTime.toISOString());
        yield context.df.callActivity("Echo", i);
    }
    return out;
};

exports.numericEvent = function* (context) {
    const work = context.df.callActivity("Slow", "work");
    const event = context.df.waitForExternalEvent("0");
    return yield context.df.Task.all([work, event]);
};

exports.dropsOpenTasks = function* (context) {
    const c = context.df;
    const a = c.callActivity("Echo", "a");
    yield c.Task.any([a, c.callActivity("Never", "n"), c.createTimer(later(context, 86400000))]);
    return "early";
};

// Interprets the program that is its input. Each task has a tag; whatever a task yields must carry that tag.
// Critical sections, for durable-functions 3.5.
exports.locks = function* (context) {
    const c = context.df;
    const a = new EntityId("Account", "a"), b = new EntityId("account", "b");
    const log = [c.isLocked().isLocked];
    const lock = yield c.lock(b, a, b);
    log.push(c.isLocked().ownedLocks.map((id) => id.key).join());
    log.push(yield c.callEntity(a, "echo", "first"));
    log.push(...(yield c.Task.all([c.callEntity(a, "echo", 1), c.callEntity(b, "echo", 2)])));
    lock.release();
    c.signalEntity(a, "note", "released");
    log.push(yield c.callActivity("Echo", "between"));
    const again = yield c.lock([a]);
    again.release();
    log.push(yield c.callActivity("Echo", "after"), c.isLocked().isLocked);
    yield c.lock(b); // held at the end
    return log;
};

exports.program = function* (context) {
    const c = context.df;
    const tasks = new Map();
    const log = [];
    const get = (url) => globalThis.sdk.is3 ? c.callHttp({ method: "GET", url }) : c.callHttp("GET", url);
    const leaf = (p) => {
        switch (p.kind) {
            case "activity": return c.callActivity("Echo_" + p.tag, p.tag);
            case "failing": return c.callActivity("Fail_" + p.tag, p.tag);
            case "retry": return c.callActivityWithRetry("Flaky_" + p.tag, retry(p.max, p.first, p.more), { tag: p.tag, failures: p.failures });
            case "sub": return c.callSubOrchestrator("Sub_" + p.tag, p.tag);
            case "subRetry": return c.callSubOrchestratorWithRetry("SubFlaky_" + p.tag, retry(p.max, p.first, p.more), { tag: p.tag, failures: p.failures });
            case "http": return get("http://service/?polls=" + p.polls + "&tag=" + p.tag);
            case "timer": return c.createTimer(later(context, p.ms));
            case "entity": return c.callEntity(new EntityId("Echo", p.tag), "echo", p.tag);
            case "failingEntity": return c.callEntity(new EntityId("Broken", p.tag), "fail", { tag: p.tag });
            case "wait": return c.waitForExternalEvent(p.name);
        }
        throw new Error("unknown kind " + p.kind);
    };
    const build = (p) => {
        if (p.ref !== undefined) return tasks.get(p.ref).task;
        if (p.kind === "all") return c.Task.all(p.parts.map(build));
        if (p.kind === "any") return c.Task.any(p.parts.map(build));
        const task = leaf(p);
        tasks.set(p.tag, { task, p, failed: false });
        return task;
    };
    const check = () => {
        for (const { task, p } of tasks.values()) {
            if (!task.isCompleted || task.isFaulted) continue;
            const text = JSON.stringify(task.result) || "";
            if (p.kind !== "timer" && !text.includes(p.kind === "wait" ? p.name : p.tag)) throw new Error("task " + p.tag + " has the result " + text);
        }
    };
    for (const step of c.getInput().steps) {
        const guid = c.newGuid(c.instanceId).slice(0, 8);
        for (const tag of step.signals || []) c.signalEntity(new EntityId("Echo", tag), "note", tag);
        try {
            yield build(step.await);
            log.push([guid, "ok"]);
        } catch (e) {
            if (String(e.message).startsWith("task ") || !/Fail_|Flaky_|SubFlaky_/.test(e.message)) throw e;
            log.push([guid, "failed"]);
        }
        check();
        for (const tag of step.cancel || []) {
            const { task } = tasks.get(tag);
            if (!task.isCompleted && !task.isCanceled) task.cancel();
        }
        log[log.length - 1].push(c.currentUtcDateTime.toISOString());
        c.setCustomStatus(log.slice());
    }
    return log;
};
