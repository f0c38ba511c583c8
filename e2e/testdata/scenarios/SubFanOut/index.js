const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const tasks = [];
    for (let i = 1; i <= 5; i++) {
        tasks.push(context.df.callSubOrchestrator("FanOut", i));
    }
    return yield context.df.Task.all(tasks);
});
