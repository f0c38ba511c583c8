const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 100));
    const gate = context.df.waitForExternalEvent("Never");
    const winner = yield context.df.Task.any([gate, timer]);
    return winner === timer ? "timer" : "event";
});
