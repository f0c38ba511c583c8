const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    // Each kind of JSON value through an activity and back.
    const output = [];
    for (const value of context.df.getInput()) {
        output.push(yield context.df.callActivity("Echo", value));
    }
    return output;
});
