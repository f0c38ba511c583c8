const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    try {
        yield context.df.callActivityWithRetry("Fail", new df.RetryOptions(10, 2), "always");
    } catch (error) {
        const after = yield context.df.callActivity("Echo", "after");
        return { message: error.message, after };
    }
});
