const df = require("durable-functions");

// Asks for an approval and waits for the answer, but not for ever.
module.exports = df.orchestrator(function* (context) {
    const { request = "holiday", timeoutSeconds = 3600 } = context.df.getInput() || {};
    yield context.df.callActivity("RequestApproval", { request, instanceId: context.df.instanceId });

    const deadline = new Date(context.df.currentUtcDateTime.getTime() + timeoutSeconds * 1000);
    const timeout = context.df.createTimer(deadline);
    const answer = context.df.waitForExternalEvent("Approval");

    const winner = yield context.df.Task.any([answer, timeout]);
    if (winner === timeout) {
        return yield context.df.callActivity("Escalate", request);
    }
    timeout.cancel(); // or the instance would stay until the timer fires
    return answer.result.approved ? `${request}: approved by ${answer.result.by}` : `${request}: refused by ${answer.result.by}`;
});
