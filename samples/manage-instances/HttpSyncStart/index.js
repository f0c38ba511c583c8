const df = require("durable-functions");

// The query's timeout and retryInterval are in seconds; the SDK wants milliseconds, and has defaults of 10 s and 1 s.
const milliseconds = (seconds) => (seconds === undefined ? undefined : Number(seconds) * 1000);

module.exports = async function (context, req) {
    const client = df.getClient(context);
    const instanceId = await client.startNew(req.params.functionName, undefined, req.body);
    context.log(`Started orchestration with ID = '${instanceId}'.`);

    return client.waitForCompletionOrCreateCheckStatusResponse(
        req,
        instanceId,
        milliseconds(req.query.timeout),
        milliseconds(req.query.retryInterval));
};
