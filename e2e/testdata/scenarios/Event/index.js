const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    context.df.setCustomStatus("waiting");
    return yield context.df.waitForExternalEvent("Go");
});
