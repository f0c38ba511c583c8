const df = require("durable-functions");

const runs = {};

// As many activities at once as the input says. It tells how often it was run for that, which only one process knows.
module.exports = df.orchestrator(function* (context) {
    const id = context.df.instanceId;
    runs[id] = (runs[id] || 0) + 1;
    const tasks = [];
    for (let i = 0; i < context.df.getInput(); i++) {
        tasks.push(context.df.callActivity("Number", i));
    }
    const numbers = yield context.df.Task.all(tasks);
    return [numbers.reduce((sum, n) => sum + n, 0), runs[id]];
});
