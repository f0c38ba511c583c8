const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const first = { guid: context.df.newGuid("x"), time: context.df.currentUtcDateTime.toISOString() };
    context.df.setCustomStatus(first);
    yield context.df.callActivity("Echo", 1);
    const second = { guid: context.df.newGuid("x"), time: context.df.currentUtcDateTime.toISOString() };
    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 30));
    const third = { guid: context.df.newGuid("x"), time: context.df.currentUtcDateTime.toISOString() };
    return { first, second, third };
});
