const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const name = context.df.getInput() || "World";
    return yield context.df.callActivity("SayHello", name);
});
