const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    context.df.setCustomStatus("Waiting for MyEvent");
    const data = yield context.df.waitForExternalEvent("MyEvent");
    context.df.setCustomStatus("Got MyEvent");
    return data;
});
