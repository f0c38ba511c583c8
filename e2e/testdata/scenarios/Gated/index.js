const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const gate = yield context.df.callActivity("Gate", context.df.instanceId);
    const after = yield context.df.callActivity("Echo", "after");
    return [gate, after];
});
