const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    yield context.df.callActivity("Gate", context.df.instanceId);
    const first = yield context.df.waitForExternalEvent("Go");
    const second = yield context.df.waitForExternalEvent("Go");
    return [first, second];
});
