const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    try {
        yield context.df.Task.all([context.df.callActivity("Gate", "never-" + context.df.instanceId), context.df.callActivity("Fail", "quick")]);
    } catch (error) {
        return "caught";
    }
});
