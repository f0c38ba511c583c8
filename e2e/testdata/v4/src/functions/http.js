const { app, output, input } = require("@azure/functions");

app.http("Hello", {
  methods: ["GET", "POST"],
  authLevel: "anonymous",
  route: "hello/{name?}",
  handler: async (request, context) => {
    context.log("hello from", request.params.name || "nobody");
    const name = request.params.name || request.query.get("name") || (await request.text()) || "nobody";
    return { body: `Hello ${name}!`, headers: { "x-function": context.functionName } };
  },
});

app.get("Query", async (request) => ({
  jsonBody: { all: request.query.getAll("a"), url: request.url, method: request.method, agent: request.headers.get("user-agent") },
}));
app.post("Bytes", async (request) => ({ status: 201, body: Buffer.from(await request.arrayBuffer()).reverse(), cookies: [{ name: "c", value: "v", maxAge: 5, sameSite: "Lax" }] }));
app.get("Nothing", async () => undefined);
app.get("Wrong", async () => "text");
app.get("Throws", async () => { throw new Error("thrown in Throws"); });
app.get("Rescued", async () => { throw new Error("to be rescued"); });
app.get("Levels", async (_, context) => {
  context.trace("a trace");
  context.debug("a debug");
  context.info("an info");
  context.warn("a warning");
  context.error("an error");
  context.log("secret thing");
  return {};
});
app.get("Late", async (_, context) => {
  setImmediate(() => context.log("too late"));
  return {};
});

app.generic("Hooked", {
  trigger: { type: "manualTrigger", name: "input" },
  handler: (text, context) => `${context.functionName} got ${text}`,
});
app.get("Order", async () => ({ jsonBody: global.order }));

const redis = output.generic({ type: "redis", connection: "Redis", command: "SET" });
const value = input.generic({ type: "redis", connection: "Redis", command: "GET v4-key" });
app.get("Store", { extraOutputs: [redis], handler: async (request, context) => {
  context.extraOutputs.set(redis, `v4-key ${request.query.get("value")}`);
  return { status: 202 };
} });
app.get("Read", { extraInputs: [value], handler: async (_, context) => ({ body: String(context.extraInputs.get(value)) }) });

let attempts = 0;
app.http("Retried", { retry: { strategy: "fixedDelay", maxRetryCount: 2, delayInterval: { milliseconds: 10 } }, handler: async (_, context) => {
  attempts++;
  if (attempts < 3) throw new Error(`attempt ${attempts}`);
  return { jsonBody: { attempts, retry: context.retryContext.retryCount, message: context.retryContext.exception.message } };
} });
app.timer("Tick", { schedule: "0 0 0 1 1 *", handler: (timer, context) => context.log("tick", timer.isPastDue) });
