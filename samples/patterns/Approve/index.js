const df = require("durable-functions");

module.exports = async function (context, req) {
    if (!req.body || typeof req.body.approved !== "boolean") {
        return { status: 400, body: 'The body must be JSON like {"approved": true, "by": "Ann"}.' };
    }
    const client = df.getClient(context);
    try {
        await client.raiseEvent(req.params.instanceId, "Approval", req.body);
    } catch (error) {
        return { status: 404, body: error.message };
    }
    return { status: 202 };
};
