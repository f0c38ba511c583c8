const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const output = [];
    for (const city of ["Tokyo", "Seattle", "London", "Lima", "Lagos"]) {
        output.push(yield context.df.callActivity("SayHello", city));
    }
    return output;
});
