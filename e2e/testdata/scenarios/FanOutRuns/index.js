const df = require("durable-functions");

const runs = {};

// How often an orchestrator is run for as many activities at once as the input says. Only one process knows; that is good enough here.
module.exports = df.orchestrator(function* (context) {
    const id = context.df.instanceId;
    runs[id] = (runs[id] || 0) + 1;
    const tasks = [];
    for (let i = 0; i < context.df.getInput(); i++) {
        tasks.push(context.df.callActivity("Square", i));
    }
    const squares = yield context.df.Task.all(tasks);
    return [squares.reduce((sum, n) => sum + n, 0), runs[id]];
});
