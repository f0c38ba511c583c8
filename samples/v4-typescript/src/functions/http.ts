import { app, HttpRequest, HttpResponse, HttpResponseInit, InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import type { Decision, Report } from "../report";

df.app.client.http("HandIn", {
  methods: ["PUT"],
  route: "reports/{id}",
  handler: async (request: HttpRequest, client: df.DurableClient): Promise<HttpResponse | HttpResponseInit> => {
    const report = (await request.json()) as Partial<Report>;
    if (!report.employee || !report.expenses?.length) {
      return { status: 400, body: "A report has an employee and at least one of expenses.\n" };
    }
    const id = await client.startNew("Review", { instanceId: request.params["id"], input: report });
    return client.createCheckStatusResponse(request, id);
  },
});

df.app.client.http("Decide", {
  methods: ["POST"],
  route: "reports/{id}/decision",
  handler: async (request: HttpRequest, client: df.DurableClient, context: InvocationContext): Promise<HttpResponseInit> => {
    const id = request.params["id"]!;
    const status = await client.getStatus(id).catch(() => undefined);
    if (status === undefined) return { status: 404, body: `There is no report ${id}.\n` };
    if (status.customStatus !== "waiting for a decision") return { status: 409, body: `Report ${id} waits for no decision.\n` };
    const decision = (await request.json()) as Decision;
    context.info(`${decision.by} has decided on ${id}`);
    await client.raiseEvent(id, "Decision", decision);
    return { status: 202 };
  },
});

app.get("Report", {
  route: "reports/{id}",
  extraInputs: [df.input.durableClient()],
  handler: async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> => {
    const id = request.params["id"]!;
    const status = await df.getClient(context).getStatus(id).catch(() => undefined);
    if (status === undefined) return { status: 404, body: `There is no report ${id}.\n` };
    return { jsonBody: { status: status.runtimeStatus, waiting: status.customStatus, outcome: status.output } };
  },
});
