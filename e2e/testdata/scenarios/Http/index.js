const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const { method = "GET", uri, content } = context.df.getInput();
    const response = yield context.df.callHttp(method, uri, content);
    return { status: response.statusCode, content: response.content };
});
