const df = require("durable-functions");

// Calls any method of the SDK's client with the JSON array of the body as arguments and answers {"result"} or {"error"}. In arguments,
// {"$date": "..."} is a Date, {"$entity": [name, key]} an EntityId, {"$undefined": true} undefined and {"$request": true} the request.
module.exports = async function (context, req) {
    const revive = (value) => {
        if (value && value.$date) {
            return new Date(value.$date);
        }
        if (value && value.$undefined) {
            return undefined;
        }
        if (value && value.$entity) {
            return new df.EntityId(...value.$entity);
        }
        return value && value.$request ? req : value;
    };
    const client = df.getClient(context);
    let body;
    try {
        const result = await client[req.params.method](...(req.body || []).map(revive));
        body = { result, undefined: result === undefined };
    } catch (error) {
        body = { error: error.message };
    }
    context.res = { body, headers: { "Content-Type": "application/json" } };
};
