const df = require("durable-functions");

// As many activities in sequence as the input says, for cost against the length of the history.
module.exports = df.orchestrator(function* (context) {
    for (let i = 0; i < context.df.getInput(); i++) {
        yield context.df.callActivity("SayHello", "Tokyo");
    }
    return "done";
});
