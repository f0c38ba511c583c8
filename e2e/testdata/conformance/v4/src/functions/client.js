// What clients can do, and each way of registering functions with a client.

const { app, output } = require("@azure/functions");
const df = require("../../recorder");

df.app.client.http("httpStart", {
    route: "orchestrators/{orchestratorName}",
    methods: ["POST"],
    handler: async (request, client) => {
        const id = await client.startNew(request.params.orchestratorName, { input: await body(request) });
        return client.createCheckStatusResponse(undefined, id);
    },
});
df.app.client.http("httpSyncStart", {
    route: "orchestrators/wait/{orchestratorName}",
    methods: ["POST"],
    handler: async (request, client) => {
        const id = await client.startNew(request.params.orchestratorName, { input: await body(request) });
        const milliseconds = (name) => Number(request.query.get(name)) * 1000;
        const options = { timeoutInMilliseconds: milliseconds("timeout"), retryIntervalInMilliseconds: milliseconds("interval") };
        return client.waitForCompletionOrCreateCheckStatusResponse(request, id, options);
    },
});

async function body(request) {
    const text = await request.text();
    return text ? JSON.parse(text) : undefined;
}

// Calls a method of the client with the arguments of the body, or reads a property, and answers {result, read}: read are the properties of the result
// that the body asks for. {"$date"}, {"$undefined"} and {"$entity"} stand for a Date, undefined and an EntityId.
df.app.client.http("Client", {
    route: "client/{method}",
    methods: ["POST"],
    handler: async (request, client) => {
        const { args = [], read = [] } = await body(request);
        const member = client[request.params.method];
        try {
            const result = typeof member === "function" ? await member(...args.map(revive)) : member;
            return { jsonBody: { result, read: Object.fromEntries(read.map((name) => [name, result[name] === undefined ? "undefined" : result[name]])) } };
        } catch (error) {
            return { jsonBody: { error: error.message } };
        }
    },
});

function revive(value) {
    switch (value && Object.keys(value)[0]) {
        case "$date":
            return new Date(value.$date);
        case "$undefined":
            return undefined;
        case "$entity":
            return new df.EntityId(...value.$entity);
    }
    return value && Object.getPrototypeOf(value) === Object.prototype ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, revive(v)])) : value;
}

df.app.client.http("Wait", {
    route: "wait/{id}",
    methods: ["POST"],
    handler: async (request, client) => {
        const { timeout, interval } = await body(request);
        const options = { timeoutInMilliseconds: timeout, retryIntervalInMilliseconds: interval };
        return client.waitForCompletionOrCreateCheckStatusResponse(request, request.params.id, options);
    },
});

// The client as an extra input of a function that is registered without durable-functions.
app.http("Check", {
    route: "check/{id}",
    methods: ["POST"],
    extraInputs: [df.input.durableClient()],
    handler: (request, context) => df.getClient(context).createCheckStatusResponse(request, request.params.id),
});
app.http("DescribeBindings", {
    route: "bindings",
    handler: () => ({
        jsonBody: [df.input.durableClient().type, df.trigger.orchestration().type, df.trigger.activity().type, df.trigger.entity().type],
    }),
});

df.app.client.timer("StartByTimer", {
    schedule: "0 0 0 1 1 *",
    runOnStartup: true,
    handler: async (timer, client) => {
        await client.startNew("Input", { instanceId: "by-timer", input: typeof timer.isPastDue });
    },
});
df.app.client.generic("StartByHand", {
    trigger: { type: "manualTrigger", name: "input" },
    handler: async (input, client) => client.startNew("Input", { instanceId: "by-hand", input }),
});

// Triggers of other clouds' services: the package registers them, and the host refuses them one by one.
const never = async () => undefined;
df.app.client.storageBlob("OnBlob", { path: "a/{b}", connection: "S", handler: never });
df.app.client.storageQueue("OnQueue", { queueName: "q", connection: "S", handler: never });
df.app.client.serviceBusQueue("OnServiceBusQueue", { queueName: "q", connection: "S", handler: never });
df.app.client.serviceBusTopic("OnServiceBusTopic", { topicName: "t", subscriptionName: "s", connection: "S", handler: never });
df.app.client.eventHub("OnEventHub", { eventHubName: "h", connection: "S", cardinality: "many", handler: never });
df.app.client.eventGrid("OnEventGrid", { handler: never });
df.app.client.cosmosDB("OnCosmosDB", { connection: "S", databaseName: "d", containerName: "c", handler: never });
df.app.client.cosmosDB("OnCosmosDBv3", { connectionStringSetting: "S", databaseName: "d", collectionName: "c", handler: never });

// An activity with a client as a further input, and Redis as a further output.
const note = output.generic({ type: "redis", connection: "Redis", command: "SET" });
df.app.activity("StartsAnother", {
    extraInputs: [df.input.durableClient()],
    extraOutputs: [note],
    handler: async (id, context) => {
        const started = await df.getClient(context).startNew("Input", { instanceId: id, input: "from an activity" });
        context.extraOutputs.set(note, [[id, "noted"]]);
        return started;
    },
});
