const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const options = new df.RetryOptions(20, 3);
    const id = context.df.instanceId;
    const attempts = yield context.df.Task.all([
        context.df.callActivityWithRetry("Flaky", options, { key: id + "-a", failures: 2 }),
        context.df.callActivityWithRetry("Flaky", options, { key: id + "-b", failures: 1 }),
        context.df.callActivity("Echo", 1),
    ]);
    const last = yield context.df.callActivity("Echo", "last");
    return { attempts, last };
});
