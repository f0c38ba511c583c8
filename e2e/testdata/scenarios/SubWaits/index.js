const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    return yield context.df.callSubOrchestrator("Event", null, context.df.instanceId + "-child");
});
