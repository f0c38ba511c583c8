const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    return yield context.df.Task.all([context.df.waitForExternalEvent("A"), context.df.waitForExternalEvent("B")]);
});
