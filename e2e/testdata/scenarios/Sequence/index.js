const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const output = [];
    for (const name of ["Tokyo", "Seattle", "London"]) {
        output.push(yield context.df.callActivity("Echo", `Hello ${name}!`));
    }
    return output;
});
