const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const options = new df.RetryOptions(20, 3);
    return yield context.df.callSubOrchestratorWithRetry("FlakySub", options, { key: context.df.instanceId, failures: 1 });
});
