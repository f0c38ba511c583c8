import * as df from "durable-functions";
import type { OrchestrationContext, OrchestrationHandler } from "durable-functions";
import type { Decision, Outcome, Report } from "../report";
import { pay, toEuro } from "./activities";

/** Up to so many euros a report needs nobody's approval. */
const limit = 200;

const review: OrchestrationHandler = function* (context: OrchestrationContext): Generator<df.Task, Outcome, any> {
  const report = context.df.getInput<Report>();

  // Fan-out: all expenses at the same time.
  const euros: number[] = yield context.df.Task.all(report.expenses.map((expense) => toEuro(expense)));
  const total = euros.reduce((sum, euro) => sum + euro, 0);

  let decision = "within the limit";
  if (total > limit) {
    const answer: Decision | undefined = yield* awaitDecision(context, report.decideWithinSeconds ?? 24 * 60 * 60);
    if (answer === undefined) return { total, decision: "nobody has decided" };
    if (!answer.approved) return { total, decision: `refused by ${answer.by}` };
    decision = `approved by ${answer.by}`;
  }
  const payment: string = yield pay({ employee: report.employee, total });
  return { total, decision, payment };
};

/** Waits for the event "Decision", but not for ever. */
function* awaitDecision(context: OrchestrationContext, seconds: number): Generator<df.Task, Decision | undefined, any> {
  context.df.setCustomStatus("waiting for a decision");
  const decision = context.df.waitForExternalEvent("Decision");
  const deadline = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + seconds * 1000));
  const first = yield context.df.Task.any([decision, deadline]);
  context.df.setCustomStatus("decided");
  if (first === deadline) return undefined;
  deadline.cancel();
  return decision.result as Decision;
}

df.app.orchestration("Review", review);
