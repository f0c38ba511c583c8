// The programs that all generations share, and what only 3.x has.

const df = require("../../recorder");
const { activities, entities, orchestrators } = require("../../programs");

const registered = {};
for (const [name, activity] of Object.entries(activities)) {
    registered[name] = df.app.activity(name, { handler: async (input) => activity(input) });
}
for (const [name, orchestrator] of Object.entries(orchestrators)) {
    // Both forms: the handler alone, or with options.
    registered[name] = df.app.orchestration(name, name === "Context" ? { handler: orchestrator } : orchestrator);
}
for (const [name, entity] of Object.entries(entities)) {
    df.app.entity(name, name === "Probe" ? { handler: entity } : entity);
}

df.app.orchestration("Http", function* (context) {
    const { method, uri, content, headers, tokenSource, polling } = context.df.getInput();
    const options = { method, url: uri, body: content, headers };
    if (tokenSource) {
        options.tokenSource = new df.ManagedIdentityTokenSource(tokenSource);
    }
    if (polling !== undefined) {
        options.enablePolling = polling;
        options.asynchronousPatternEnabled = polling;
    }
    const response = yield context.df.callHttp(options);
    return { status: response.statusCode, content: response.content, headers: response.headers };
});

df.app.orchestration("Signal", function* (context) {
    const counter = new df.EntityId("CounterEntity", context.df.getInput());
    context.df.signalEntity(counter, "add", 3);
    context.df.signalEntity(counter, "add", 4);
    return yield context.df.callEntity(counter, "get");
});

df.app.orchestration("StartsAnotherByActivity", function* (context) {
    return yield context.df.callActivity("StartsAnother", context.df.getInput());
});

// What registering gives back makes tasks.
df.app.orchestration("Registered", function* (context) {
    const key = context.df.instanceId;
    const retry = new df.RetryOptions(20, 4);
    return [
        yield registered.E1_SayHello("Ann"),
        yield registered.FlakyFunction({ key, failures: 2 }).withRetry(retry),
        yield registered.Child({ a: 1 }, `${key}-child`),
        yield registered.FlakyChild({ key: key + "-sub", failures: 1 }).withRetry(retry),
        yield context.df.Task.all([registered.E1_SayHello("Bob"), registered.Echo(1)]),
    ];
});

df.app.orchestration("Version", function* (context) {
    const { version, child } = context.df.getInput() ?? {};
    const own = context.df.version ?? null;
    if (!child) {
        return own;
    }
    const retry = new df.RetryOptions(20, 2);
    return [
        own,
        yield context.df.callSubOrchestrator("Version", {}, undefined, version),
        yield context.df.callSubOrchestratorWithRetry("Version", retry, {}, undefined, version),
        yield context.df.callSubOrchestrator("Version", {}),
    ];
});

// Locks.
df.app.orchestration("Locks", function* (context) {
    const [a, b] = ["a", "b"].map((k) => new df.EntityId("CounterEntity", `${context.df.getInput()}-${k}`));
    const out = [describe(context.df.isLocked())];
    const lock = yield context.df.lock(a, b);
    out.push(describe(context.df.isLocked()), lock.ownedLocks.map((e) => e.key));
    const violations = [];
    const violates = (f) => {
        try {
            f();
        } catch (error) {
            violations.push([error instanceof df.LockingRulesViolationError, error.message]);
        }
    };
    violates(() => context.df.lock(a));
    violates(() => context.df.callSubOrchestrator("Child"));
    violates(() => context.df.callEntity(new df.EntityId("CounterEntity", "another"), "get"));
    violates(() => context.df.signalEntity(a, "add", 1));
    const value = yield context.df.callEntity(a, "get");
    yield context.df.callEntity(a, "add", 1 - value);
    yield context.df.callEntity(b, "add", value + 10);
    lock.release();
    out.push(describe(context.df.isLocked()), violations);
    const second = yield context.df.lock([b]);
    out.push(yield context.df.callEntity(b, "get"));
    second[Symbol.dispose]();
    out.push(describe(context.df.isLocked()));
    return out;
});

function describe(state) {
    return { locked: state.isLocked, owned: state.ownedLocks.map((e) => e.key) };
}

// Errors with properties of their own.
class OutOfStock extends Error {
    constructor(sku) {
        super(`no ${sku}`);
        this.name = "OutOfStock";
        this.sku = sku;
    }
}
df.app.setExceptionPropertiesProvider({
    getExceptionProperties: (error) => (error instanceof OutOfStock ? { sku: error.sku, left: 0 } : undefined),
});
df.app.activity("Order", {
    handler: (sku) => {
        throw new OutOfStock(sku);
    },
});
df.app.orchestration("Orders", function* (context) {
    const { sku, child } = context.df.getInput();
    try {
        yield child ? context.df.callSubOrchestrator("OrderUncaught", sku) : context.df.callActivity("Order", sku);
    } catch (error) {
        if (!(error instanceof df.TaskFailedError)) {
            return { message: error.message };
        }
        const details = error.failureDetails;
        return {
            message: error.message, task: [error.taskName ?? null, error.taskId ?? null], type: details.errorType, text: details.errorMessage, properties: details.properties,
            nonRetriable: details.isNonRetriable, stack: details.stackTrace, inner: details.innerFailure ?? null,
            caused: [details.isCausedBy("OutOfStock"), details.isCausedBy("TypeError")],
        };
    }
});
df.app.orchestration("OrderUncaught", function* (context) {
    yield context.df.callActivity("Order", context.df.getInput());
});
