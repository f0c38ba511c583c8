const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const given = yield context.df.callSubOrchestrator("Child", "given", context.df.instanceId + "-child");
    const generated = yield context.df.callSubOrchestrator("Child", "generated");
    return { given, generated };
});
