// The functions of the conformance app in function folders, for durable-functions 1.x and 2.x. Each folder's function.json names the export that is its function.

const df = require("./recorder");
const { activities, entities, orchestrators } = require("./programs");

for (const [name, activity] of Object.entries(activities)) {
    exports[name] = async (context, input) => activity(input);
}
for (const [name, orchestrator] of Object.entries(orchestrators)) {
    exports[name] = df.orchestrator(orchestrator);
}
for (const [name, entity] of Object.entries(entities)) {
    exports[name] = df.entity(entity);
}

// The HTTP functions of the samples.
exports.HttpStart = async (context, req) => {
    const client = df.getClient(context);
    const id = await client.startNew(req.params.functionName, undefined, req.body);
    return client.createCheckStatusResponse(context.bindingData.req, id);
};
exports.HttpSyncStart = async (context, req) => {
    const client = df.getClient(context);
    const id = await client.startNew(req.params.functionName, undefined, req.body);
    const milliseconds = (name) => (req.query[name] ? Number(req.query[name]) * 1000 : undefined);
    return client.waitForCompletionOrCreateCheckStatusResponse(req, id, milliseconds("timeout"), milliseconds("interval"));
};

// Calls a method of the client with the arguments of the body, or reads a property, and answers {result, read}: read are the properties of the result
// that the body asks for. {"$date"}, {"$undefined"}, {"$request"} and {"$entity"} stand for a Date, undefined, the request and an EntityId.
exports.Client = async (context, req) => {
    const revive = (value) => {
        switch (value && Object.keys(value)[0]) {
            case "$date":
                return new Date(value.$date);
            case "$undefined":
                return undefined;
            case "$request":
                return req;
            case "$entity":
                return new df.EntityId(...value.$entity);
        }
        return value;
    };
    const client = df.getClient(context);
    const { args = [], read = [] } = req.body || {};
    const member = client[req.params.method];
    try {
        const result = typeof member === "function" ? await member(...args.map(revive)) : member;
        return { body: { result, read: Object.fromEntries(read.map((name) => [name, result[name] === undefined ? "undefined" : result[name]])) } };
    } catch (error) {
        return { body: { error: error.message } };
    }
};

// Makes one of each thing that the package lets users make.
exports.Things = async () => {
    const id = new df.EntityId("Counter", "k");
    const retry = new df.RetryOptions(100, 3);
    retry.backoffCoefficient = 2;
    retry.maxRetryIntervalInMilliseconds = 1000;
    retry.retryTimeoutInMilliseconds = 5000;
    const token = new df.ManagedIdentityTokenSource("https://management.core.windows.net/");
    const request = new df.DurableHttpRequest("POST", "https://example.com/", "text", { a: "b" }, token, false);
    const response = new df.DurableHttpResponse(201, "made", { "Content-Type": "text/plain" });
    const state = new df.EntityStateResponse(true, { n: 1 });
    const status = df.OrchestrationRuntimeStatus;
    return {
        body: {
            entityId: { name: id.name, key: id.key, text: id.toString(), scheduler: df.EntityId.getSchedulerIdFromEntityId(id), back: df.EntityId.getEntityIdFromSchedulerId("@counter@k").key },
            retry: [
                retry.firstRetryIntervalInMilliseconds, retry.maxNumberOfAttempts, retry.backoffCoefficient, retry.maxRetryIntervalInMilliseconds,
                retry.retryTimeoutInMilliseconds,
            ],
            token: [token.kind, token.resource],
            request: [request.method, request.uri, request.content, request.headers, request.tokenSource.resource, request.asynchronousPatternEnabled ?? null],
            response: [response.statusCode, response.content, response.headers, response.getHeader ? response.getHeader("content-type") : null],
            state: [state.entityExists, state.entityState],
            statuses: [status.Running, status.Completed, status.ContinuedAsNew, status.Failed, status.Canceled, status.Terminated, status.Pending],
        },
    };
};

exports.Http = df.orchestrator(function* (context) {
    const { method, uri, content, headers, tokenSource, polling } = context.df.getInput();
    const token = tokenSource && new df.ManagedIdentityTokenSource(tokenSource);
    const response = yield context.df.callHttp(method, uri, content, headers, token, polling);
    return { status: response.statusCode, content: response.content, headers: response.headers };
});

exports.Signal = df.orchestrator(function* (context) {
    const counter = new df.EntityId("CounterEntity", context.df.getInput());
    context.df.signalEntity(counter, "add", 3);
    context.df.signalEntity(counter, "add", 4);
    return yield context.df.callEntity(counter, "get");
});

// What tasks tell in 1.x besides: their action, the places in the history.
exports.Tasks1x = df.orchestrator(function* (context) {
    const works = context.df.callActivity("Echo", 1);
    const event = context.df.waitForExternalEvent("Never");
    const all = context.df.Task.all([works, context.df.callActivity("Echo", 2)]);
    yield all;
    const yielded = [works.yieldNewActions().length, all.yieldNewActions().length];
    const again = context.df.Task.all([context.df.callActivity("Echo", 3)]);
    yield again;
    let failed = context.df.callActivity("Fail", "no luck");
    try {
        yield failed;
    } catch (error) {
        failed = error.message;
    }
    const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 3600000));
    const { actionType, fireAt, isCanceled } = timer.action;
    return {
        yielded, event: [event.isCompleted, event.action.actionType, event.id ?? null, event.timestamp ?? null],
        works: [works.isCompleted, works.completionIndex ?? null, works.exception ?? null],
        all: [all.isCompleted, all.isFaulted, all.result ?? null, all.exception ?? null], failed,
        timer: [actionType, fireAt instanceof Date, isCanceled, timer.isCanceled],
    };
});

// Runs orchestrators on the context that the package has for unit tests.
exports.Dummy = async () => {
    const program = df.orchestrator(function* (context) {
        const { fail, wait } = context.df.getInput() ?? {};
        context.df.setCustomStatus(context.df.instanceId);
        if (fail) {
            throw new Error(fail);
        }
        if (wait) {
            yield context.df.callActivity("Echo", 1);
        }
        return `output of ${context.df.instanceId}, child of ${context.df.parentInstanceId}, suppress: ${context.suppressAsyncDoneError}`;
    });
    const started = (EventType) => ({ EventType, EventId: -1, IsPlayed: false, IsProcessed: false, Timestamp: new Date(), Name: "Dummy", Input: null });
    const run = async (input) => {
        const history = [started(12), started(0)];
        const rest = process.env.CONFORMANCE_SDK.startsWith("1.") ? [new Date(), false, "parent"] : ["3.00:00:00", "6.00:00:00", 30000, 2, false, "parent"];
        const context = new df.DummyOrchestrationContext("dummy", history, input, ...rest);
        await program(context);
        await new Promise((resolve) => setImmediate(resolve));
        const value = context.doneValue;
        return {
            state: value && { isDone: value.isDone, actions: value.actions.map((a) => [a].flat().map((b) => b.actionType)), output: value.output, customStatus: value.customStatus, error: value.error, schemaVersion: value.schemaVersion },
            error: context.err ? context.err.message : undefined,
            id: context.df.instanceId,
            // The package declares these and gives them no value.
            others: [
                context.invocationId, context.executionContext, context.bindingData, context.traceContext, context.bindingDefinitions, context.log, context.req, context.res,
            ].map((v) => typeof v),
            bindings: context.bindings.length, suppress: context.suppressAsyncDoneError ?? null,
        };
    };
    const direct = new df.DummyOrchestrationContext();
    direct.done(undefined, "given");
    return { body: { done: await run({}), waits: await run({ wait: true }), fails: await run({ fail: "on purpose" }), direct: direct.doneValue } };
};

exports.Wait = async (context, req) => {
    const { timeout, interval } = req.body;
    return df.getClient(context).waitForCompletionOrCreateCheckStatusResponse(req, req.params.id, timeout, interval);
};
