const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const options = new df.RetryOptions(10, 4);
    options.backoffCoefficient = 2;
    options.maxRetryIntervalInMilliseconds = 30;
    return yield context.df.callActivityWithRetry("Flaky", options, context.df.getInput());
});
