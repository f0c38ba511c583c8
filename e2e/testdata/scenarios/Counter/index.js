const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const n = context.df.getInput().n;
    yield context.df.callActivity("Echo", n);
    context.df.setCustomStatus({ n });
    if (n < 5) {
        return context.df.continueAsNew({ n: n + 1 });
    }
    return n;
});
