const df = require("durable-functions");

// Counts the words of many texts at the same time, and adds the counts up when all are there.
module.exports = df.orchestrator(function* (context) {
    const texts = context.df.getInput() || ["the quick brown fox", "jumps over", "the lazy dog"];
    const tasks = texts.map((text) => context.df.callActivity("CountWords", text));
    const counts = yield context.df.Task.all(tasks);
    return counts.reduce((sum, count) => sum + count, 0);
});
