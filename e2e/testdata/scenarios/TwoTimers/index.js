const df = require("durable-functions");

module.exports = df.orchestrator(function* (context) {
    const start = context.df.currentUtcDateTime.getTime();
    yield context.df.createTimer(new Date(start + 50));
    yield context.df.createTimer(new Date(start + 10)); // in the past by now
    return "fired";
});
