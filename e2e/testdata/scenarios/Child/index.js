const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const value = yield context.df.callActivity("Echo", { instanceId: context.df.instanceId, parentInstanceId: context.df.parentInstanceId });
    return value;
});
