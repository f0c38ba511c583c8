const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const before = yield context.df.callActivity("Mark", { file: "marks-" + context.df.instanceId, line: "before" });
    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 20));
    const result = yield context.df.callSubOrchestrator("FixableChild", { name: context.df.instanceId });
    return [before, result];
});
