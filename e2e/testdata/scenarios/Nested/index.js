const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const call = (value) => context.df.callActivity("Echo", value);
    const never = context.df.waitForExternalEvent("Never");
    const any = context.df.Task.any([never, call("any")]);
    const all = context.df.Task.all([call("c"), context.df.Task.all([call("d"), call("e")])]);
    const [winner, values] = yield context.df.Task.all([any, all]);
    return [winner.result, values];
});
