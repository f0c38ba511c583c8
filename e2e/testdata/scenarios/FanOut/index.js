const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const tasks = [];
    for (let i = 0; i < context.df.getInput(); i++) {
        tasks.push(context.df.callActivity("Square", i));
    }
    const squares = yield context.df.Task.all(tasks);
    return squares.reduce((sum, n) => sum + n, 0);
});
