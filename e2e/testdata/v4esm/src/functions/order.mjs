import * as df from "durable-functions";

const price = df.app.activity("Price", { handler: ({ item }) => item.length });

const order = df.app.orchestration("Order", function* (context) {
  const items = context.df.getInput();
  const prices = yield context.df.Task.all(items.map((item) => price({ item })));
  return prices.reduce((a, b) => a + b, 0);
});

df.app.orchestration("Orders", function* (context) {
  return yield context.df.Task.all([order(["pen"]), order(["paper", "clip"])]);
});

df.app.client.http("Start", { route: "start/{name}/{id}", handler: async (request, client) => {
  await client.startNew(request.params.name, { instanceId: request.params.id });
  return client.createCheckStatusResponse(request, request.params.id);
} });
