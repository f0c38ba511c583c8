const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const greeting = yield context.df.callActivity("Greet", context.df.getInput());
    return yield context.df.callActivity("Shout", greeting);
});
