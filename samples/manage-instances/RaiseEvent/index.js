const df = require("durable-functions");

module.exports = function (context, instanceId) {
    const eventData = [1, 2, 3];
    const client = df.getClient(context);
    client.raiseEvent(instanceId, "MyEvent", eventData).then(() => context.done(), (error) => context.done(error));
};
