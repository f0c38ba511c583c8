const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    yield context.df.callActivity("Echo", 1);
    throw "just text";
});
