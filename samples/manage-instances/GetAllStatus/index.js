const df = require("durable-functions");

module.exports = function (context, req) {
    const client = df.getClient(context);
    client.getStatusAll().then(
        (instances) => {
            for (const instance of instances) {
                context.log(JSON.stringify(instance));
            }
            context.res.json(instances);
        },
        (error) => context.done(error));
};
