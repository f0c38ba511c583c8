const df = require("durable-functions");

module.exports = function (context, instanceId) {
    const reason = "It was time to be done.";
    const client = df.getClient(context);
    client.terminate(instanceId, reason).then(() => context.done(), (error) => context.done(error));
};
