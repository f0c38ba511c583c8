const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 3600 * 1000));
    const activity = context.df.callActivity("Echo", "quick");
    const winner = yield context.df.Task.any([activity, timer]);
    if (winner === activity) {
        timer.cancel();
        return activity.result;
    }
    return "timer";
});
