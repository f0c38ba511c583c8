const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    // What a changed app does to its old instances: another activity than before at the same place.
    global.nonDeterministic = (global.nonDeterministic || 0) + 1;
    yield context.df.callActivity(global.nonDeterministic === 1 ? "Echo" : "Square", 2);
    yield context.df.callActivity("Echo", 3);
    return "not to be reached";
});
