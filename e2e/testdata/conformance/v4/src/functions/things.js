// The things that the package lets users make.

const { app } = require("@azure/functions");
const df = require("../../recorder");

app.http("Things", {
    route: "things",
    methods: ["POST"],
    handler: async () => {
        const id = new df.EntityId("Counter", "k");
        const retry = new df.RetryOptions(100, 3);
        retry.backoffCoefficient = 2;
        retry.maxRetryIntervalInMilliseconds = 1000;
        retry.retryTimeoutInMilliseconds = 5000;
        const token = new df.ManagedIdentityTokenSource("https://management.core.windows.net/");
        const state = new df.EntityStateResponse(true, { n: 1 });
        const lock = new df.LockState(true, [id]);
        const rule = new df.LockingRulesViolationError("a rule", { cause: "c" });
        const failed = new df.TaskFailedError({ errorType: "T", errorMessage: "m", isNonRetriable: true, isCausedBy: () => false });
        const status = df.OrchestrationRuntimeStatus;
        return {
            jsonBody: {
                entityId: { name: id.name, key: id.key, text: id.toString() },
                retry: [
                    retry.firstRetryIntervalInMilliseconds, retry.maxNumberOfAttempts, retry.backoffCoefficient, retry.maxRetryIntervalInMilliseconds,
                    retry.retryTimeoutInMilliseconds,
                ],
                token: token.resource,
                state: [state.entityExists, state.entityState],
                lock: [lock.isLocked, lock.ownedLocks.length],
                rule: [rule.message, rule.name, rule.cause, df.LockingRulesViolationError.code, rule instanceof Error],
                failed: [failed.message, failed.name, failed.failureDetails.errorMessage, failed instanceof Error],
                statuses: [
                    status.Running, status.Completed, status.ContinuedAsNew, status.Failed, status.Canceled, status.Terminated, status.Pending, status.Suspended,
                ],
            },
        };
    },
});

// The contexts for unit tests: what is in them is up to the test.
app.http("Dummy", {
    route: "dummy",
    methods: ["POST"],
    handler: async () => {
        const lines = [];
        const orchestration = new df.DummyOrchestrationContext("Greet", "invocation", (level, ...args) => lines.push([level, ...args]));
        orchestration.df = { getInput: () => "Ann" };
        orchestration.log("greeting", orchestration.df.getInput());
        const entity = new df.DummyEntityContext("Counter", "other");
        entity.df = { getState: () => 7 };
        return {
            jsonBody: {
                orchestration: [orchestration.functionName, orchestration.invocationId, orchestration.df.getInput()], lines,
                entity: [entity.functionName, entity.invocationId, entity.df.getState()],
            },
        };
    },
});
