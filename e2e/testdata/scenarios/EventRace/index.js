const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const a = context.df.waitForExternalEvent("A");
    const b = context.df.waitForExternalEvent("B");
    const winner = yield context.df.Task.any([a, b]);
    return winner === a ? ["A", a.result] : ["B", b.result];
});
