// The functions of the folder app, in the programming model v4.
const df = require("durable-functions");

df.app.activity("SayHello", { handler: (name) => `Hello ${name}!` });
df.app.activity("Number", { handler: (n) => n });

df.app.orchestration("HelloSequence5", function* (context) {
    const output = [];
    for (const city of ["Tokyo", "Seattle", "London", "Lima", "Lagos"]) {
        output.push(yield context.df.callActivity("SayHello", city));
    }
    return output;
});

// As many activities in sequence as the input says, for cost against the length of the history.
df.app.orchestration("Sequence", function* (context) {
    for (let i = 0; i < context.df.getInput(); i++) {
        yield context.df.callActivity("SayHello", "Tokyo");
    }
    return "done";
});

const runs = {};

// As many activities at once as the input says. It tells how often it was run for that, which only one process knows.
df.app.orchestration("FanOut", function* (context) {
    const id = context.df.instanceId;
    runs[id] = (runs[id] || 0) + 1;
    const tasks = [];
    for (let i = 0; i < context.df.getInput(); i++) {
        tasks.push(context.df.callActivity("Number", i));
    }
    const numbers = yield context.df.Task.all(tasks);
    return [numbers.reduce((sum, n) => sum + n, 0), runs[id]];
});
