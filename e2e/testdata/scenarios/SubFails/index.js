const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    try {
        yield context.df.callSubOrchestrator("Uncaught");
    } catch (error) {
        return error.message;
    }
});
