const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const { sum = 0, seen = 0, want } = context.df.getInput();
    const n = yield context.df.waitForExternalEvent("Add");
    if (seen + 1 === want) {
        return sum + n;
    }
    return context.df.continueAsNew({ sum: sum + n, seen: seen + 1, want });
});
