const df = require("durable-functions");

// A human approves the report, and then it cannot be published, because the app is badly configured. Rewound after the
// configuration is put right, the instance goes on from there: nobody has to approve again.
module.exports = df.orchestrator(function* (context) {
    const report = context.df.getInput();
    context.df.setCustomStatus("Waiting for approval");
    const approver = yield context.df.waitForExternalEvent("Approval");
    context.df.setCustomStatus(`Approved by ${approver}`);
    return yield context.df.callActivity("Publish", report);
});
