const { app } = require("@azure/functions");
const df = require("durable-functions");

df.app.activity("Square", { handler: (n) => n * n });
df.app.activity("Echo", { handler: (value) => value });
df.app.activity("Fails", { handler: () => { throw new TypeError("the activity fails"); } });

df.app.orchestration("Sequence", function* (context) {
  const out = [];
  for (const value of ["text", "", 0, false, { a: [1] }, "12", "\"quoted\"", "ü😀"]) out.push(yield context.df.callActivity("Echo", value));
  return out;
});
const sub = df.app.orchestration("Sub", function* (context) {
  return yield context.df.callActivity("Square", context.df.getInput());
});
df.app.orchestration("FanOut", function* (context) {
  const tasks = [];
  for (let i = 1; i <= context.df.getInput(); i++) tasks.push(context.df.callActivity("Square", i));
  const squares = yield context.df.Task.all(tasks);
  const more = yield sub(squares.length);
  return squares.reduce((a, b) => a + b, more);
});
df.app.orchestration("Approval", function* (context) {
  const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + context.df.getInput()));
  const approval = context.df.waitForExternalEvent("Approval");
  context.df.setCustomStatus("waiting");
  const first = yield context.df.Task.any([approval, timer]);
  if (first === approval) {
    timer.cancel();
    return `approved by ${approval.result}`;
  }
  // The task is awaited again: it stands twice in what the SDK hands over.
  yield context.df.Task.any([approval, context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 1))]);
  return "escalated";
});
df.app.orchestration("Caught", function* (context) {
  try {
    yield context.df.callActivityWithRetry("Fails", new df.RetryOptions(1, 2));
  } catch (err) {
    return err.message;
  }
});
df.app.orchestration("ThrowsError", function* () {
  throw new Error("the orchestrator fails");
});
df.app.orchestration("Again", function* (context) {
  const n = context.df.getInput();
  if (n < 3) {
    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 1));
    context.df.continueAsNew(n + 1);
    return;
  }
  return n;
});

df.app.client.http("Start", {
  route: "start/{name}/{id?}",
  handler: async (request, client) => {
    const text = await request.text();
    const id = await client.startNew(request.params.name, { instanceId: request.params.id, input: text ? JSON.parse(text) : undefined });
    return client.createCheckStatusResponse(request, id);
  },
});
app.http("Client", {
  route: "client/{id}",
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const client = df.getClient(context), { id } = request.params;
    const done = [];
    await client.startNew("Approval", { instanceId: id, input: 600000 });
    done.push((await client.getStatus(id)).instanceId);
    await client.raiseEvent(id, "Approval", "Ann");
    const response = await client.waitForCompletionOrCreateCheckStatusResponse(request, id, 10000, 50);
    done.push(await response.json());
    done.push((await client.getStatusBy({ runtimeStatus: [df.OrchestrationRuntimeStatus.Completed] })).some((s) => s.instanceId === id));
    await client.startNew("Approval", { instanceId: `${id}-2`, input: 600000 });
    await client.suspend(`${id}-2`, "wait");
    while ((await client.getStatus(`${id}-2`)).runtimeStatus !== "Suspended");
    await client.resume(`${id}-2`, "go");
    await client.terminate(`${id}-2`, "enough");
    done.push((await client.purgeInstanceHistory(id)).instancesDeleted);
    done.push(Object.keys(client.createHttpManagementPayload(id)).length > 5);
    return { jsonBody: done };
  },
});
