const df = require("../sdk");

// Signals the counter "sum" as often as its input says, and waits for an entity of its own now and then.
module.exports = df.orchestrator(function* (context) {
    const count = context.df.getInput();
    const own = new df.EntityId("Counter", "pace-" + context.df.instanceId);
    for (let i = 1; i <= count; i++) {
        context.df.signalEntity(new df.EntityId("Counter", "sum"), "add", 1);
        if (i % 25 === 0) yield context.df.callEntity(own, "add", 1);
    }
    context.df.signalEntity(own, "reset");
});
