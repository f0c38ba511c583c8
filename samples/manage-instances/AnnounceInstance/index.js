const df = require("durable-functions");

// Tells an external system, through Redis, where it can watch this instance and send it MyEvent.
module.exports = df.orchestrator(function* (context) {
    yield context.df.callActivity("SendInstanceInfo", context.df.instanceId);
    return yield context.df.waitForExternalEvent("MyEvent");
});
