const df = require("durable-functions");

module.exports = function (context, instanceId) {
    const client = df.getClient(context);
    const showHistory = true, showHistoryOutput = true;
    client.getStatus(instanceId, showHistory, showHistoryOutput).then(
        (status) => {
            context.log(status ? JSON.stringify(status, null, 2) : `No instance has the ID '${instanceId}'.`);
            context.done(null, status);
        },
        (error) => context.done(error));
};
