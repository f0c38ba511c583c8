const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    try {
        yield context.df.callActivity("Fail", "the reason");
    } catch (error) {
        return error.message;
    }
});
