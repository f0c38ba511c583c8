const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    yield context.df.callActivity("Gate", context.df.instanceId);
    return yield context.df.waitForExternalEvent("Go");
});
