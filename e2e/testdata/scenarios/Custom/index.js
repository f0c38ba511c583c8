const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    context.df.setCustomStatus({ phase: "one", tags: ["a", "b"] });
    yield context.df.waitForExternalEvent("Go");
    context.df.setCustomStatus("two");
    yield context.df.waitForExternalEvent("Go");
    return "done";
});
