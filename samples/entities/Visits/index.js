const df = require("durable-functions");

// Counts the visits of pages: POST counts one, GET answers how many there were.
module.exports = async function (context, req) {
    const client = df.getClient(context);
    const counter = new df.EntityId("Counter", req.params.page);
    if (req.method === "POST") {
        await client.signalEntity(counter, "add", 1);
        context.res = { status: 202 };
        return;
    }
    const state = await client.readEntityState(counter);
    context.res = { body: `${state.entityExists ? state.entityState : 0} visits\n` };
};
