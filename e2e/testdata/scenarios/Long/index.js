const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    for (let i = 0; i < context.df.getInput(); i++) {
        yield context.df.callActivity("Square", i);
    }
    return "done";
});
