const df = require("durable-functions");

const hour = 60 * 60 * 1000;

// GET /QueryStatus?from=2026-01-01T10:01:00Z&to=2026-01-01T10:23:59Z&status=Completed,Running
module.exports = function (context, req) {
    const from = req.query.from ? new Date(req.query.from) : new Date(Date.now() - hour);
    const to = req.query.to ? new Date(req.query.to) : new Date(Date.now() + hour);
    const runtimeStatus = req.query.status
        ? req.query.status.split(",")
        : [df.OrchestrationRuntimeStatus.Completed, df.OrchestrationRuntimeStatus.Running];

    const client = df.getClient(context);
    client.getStatusBy(from, to, runtimeStatus).then(
        (instances) => {
            for (const instance of instances) {
                context.log(JSON.stringify(instance));
            }
            context.res.json(instances);
        },
        (error) => context.done(error));
};
