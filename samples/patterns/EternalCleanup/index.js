const df = require("durable-functions");

// Cleans up at intervals for ever. Each round is an execution of its own with a short history. Terminate the instance to end it.
module.exports = df.orchestrator(function* (context) {
    const { round = 1, intervalSeconds = 3600, removed = 0 } = context.df.getInput() || {};
    const count = yield context.df.callActivity("Cleanup", round);
    context.df.setCustomStatus({ round, removed: removed + count });

    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + intervalSeconds * 1000));
    context.df.continueAsNew({ round: round + 1, intervalSeconds, removed: removed + count });
});
