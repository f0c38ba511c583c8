// The functions of the folders, registered in code.
const { app } = require("@azure/functions");
const df = require("durable-functions");

for (const name of ["Counter", "Account"]) df.app.entity(name, require(`../${name}`));
for (const name of ["Ask", "Send", "Transfer"]) df.app.orchestration(name, require(`../${name}`));

app.http("Client", {
    methods: ["POST"],
    authLevel: "anonymous",
    route: "client/{method}",
    extraInputs: [df.input.durableClient()],
    handler: async (request, context) => {
        const revive = (value) => (value && value.$entity ? new df.EntityId(...value.$entity) : value);
        try {
            const result = await df.getClient(context)[request.params.method](...(await request.json()).map(revive));
            return { jsonBody: { result, undefined: result === undefined } };
        } catch (error) {
            return { jsonBody: { error: error.message } };
        }
    },
});
