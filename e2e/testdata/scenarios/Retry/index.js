const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const options = new df.RetryOptions(20, 3);
    const attempt = yield context.df.callActivityWithRetry("Flaky", options, context.df.getInput());
    const after = yield context.df.callActivity("Echo", "after");
    return { attempt, after };
});
