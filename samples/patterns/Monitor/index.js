const df = require("durable-functions");

const after = (time, seconds) => new Date(time.getTime() + seconds * 1000);

// Looks at a job at intervals until it is done, or until it is no use any more to look.
module.exports = df.orchestrator(function* (context) {
    const { job, takesSeconds = 3, pollSeconds = 1, expirySeconds = 60 } = context.df.getInput() || {};
    const startedAt = context.df.currentUtcDateTime;
    const expiry = after(startedAt, expirySeconds);

    for (let polls = 1; ; polls++) {
        const state = yield context.df.callActivity("GetJobState", { job, startedAt, takesSeconds });
        context.df.setCustomStatus({ polls, state });
        if (state === "Done") {
            return { job, state, polls };
        }

        const next = after(context.df.currentUtcDateTime, pollSeconds);
        if (next >= expiry) {
            return { job, state: "Expired", polls };
        }
        yield context.df.createTimer(next);
    }
});
