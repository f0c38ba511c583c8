const df = require("durable-functions");

module.exports = function (context, instanceId) {
    const reason = "Orchestrator failed and needs to be revived.";
    const client = df.getClient(context);
    client.rewind(instanceId, reason).then(() => context.done(), (error) => context.done(error));
};
