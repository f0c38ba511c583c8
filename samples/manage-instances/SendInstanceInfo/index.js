const df = require("durable-functions");

module.exports = function (context, instanceId) {
    const client = df.getClient(context);
    const payload = client.createHttpManagementPayload(instanceId);

    // Arguments of the SET command, separated by a space: the key, and the payload as the value.
    context.bindings.document = `HttpManagementPayloads:${instanceId} ${JSON.stringify(payload)}`;
    context.done();
};
