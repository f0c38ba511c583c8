const { app, HttpResponse } = require("@azure/functions");
const fs = require("fs");
const path = require("path");
const { Readable } = require("stream");

app.setup({ enableHttpStream: true });

const file = (name) => path.join(process.env.E2E_DIR, name);
const note = (name, text) => fs.appendFileSync(file(name), `${text}\n`);
const gate = async (name) => {
  while (!fs.existsSync(file(name))) await new Promise((resolve) => setTimeout(resolve, 10));
};

app.get("Plain", { route: "plain/{id}/{rest?}", handler: async (request, context) => {
  context.log("plain in", context.functionName);
  return {
    status: 201,
    headers: { "x-agent": request.headers.get("user-agent") },
    cookies: [{ name: "c", value: "v" }],
    jsonBody: { id: request.params.id, rest: request.params.rest, a: request.query.getAll("a"), url: request.url, forwarded: request.headers.get("x-ms-invocation-id") },
  };
} });

// Slow says its first word before it may go on.
app.get("Slow", async () => ({ body: Readable.from((async function* () {
  yield "first ";
  await gate("slow");
  yield "last";
})()) }));

// Upload counts the bytes as they come, and what memory that takes.
app.post("Upload", async (request) => {
  let bytes = 0;
  let most = 0;
  try {
    for await (const chunk of request.body) {
      bytes += chunk.length;
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }
  } catch (err) {
    note("upload", `ended after ${bytes} bytes`);
    throw err;
  }
  return { jsonBody: { bytes, most } };
});

// Echo answers while it reads.
app.post("Echo", async (request) => ({ body: request.body }));

// Endless writes until nobody listens any more.
app.get("Endless", async () => ({ body: Readable.from((async function* () {
  try {
    for (let i = 0; ; i++) {
      yield `${i}\n`;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    note("endless", "cancelled");
  }
})()) }));

// Waits has nothing to say for ever, in a stream of the web's kind.
app.get("Waits", async () => new HttpResponse({ body: new ReadableStream({
  start(controller) { controller.enqueue("begin"); },
  cancel() { note("waits", "cancelled"); },
}).pipeThrough(new TextEncoderStream()) }));

// Fast would write more than fits into memory, if it were not slowed down.
app.get("Fast", async () => ({ body: Readable.from((function* () {
  for (let i = 0; i < 2000; i++) {
    if (i === 1000) note("fast", "half");
    yield Buffer.alloc(100_000);
  }
})()) }));

app.post("Ignores", async () => ({ status: 202, body: "ignored" }));
app.get("Nothing", async () => undefined);
app.post("Refuses", async () => { throw new Error("thrown before the body has come"); });
app.get("Throws", async () => { throw new Error("thrown in Throws"); });
app.get("BreaksOff", async () => ({ body: Readable.from((async function* () {
  yield "half ";
  throw new Error("thrown in the middle");
})()) }));
