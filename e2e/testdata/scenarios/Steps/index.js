const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    // Counted by the test, execution by execution.
    const { steps, file } = context.df.getInput();
    let output = 0;
    for (let i = 0; i < steps; i++) {
        yield context.df.callActivity("Mark", { file, line: `${context.df.instanceId} ${i}` });
        output++;
    }
    const squares = yield context.df.Task.all([1, 2, 3].map((n) => context.df.callActivity("Square", n)));
    return output + squares.reduce((a, b) => a + b, 0);
});
