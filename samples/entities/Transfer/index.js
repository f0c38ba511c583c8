const df = require("durable-functions");

// Moves money from one account to another. What withdraw throws arrives here with its message.
module.exports = df.orchestrator(function* (context) {
    const { from, to, amount } = context.df.getInput();
    const source = new df.EntityId("Account", from);
    const target = new df.EntityId("Account", to);
    try {
        yield context.df.callEntity(source, "withdraw", amount);
    } catch (error) {
        return { moved: false, reason: error.message };
    }
    const balance = yield context.df.callEntity(target, "deposit", amount);
    context.df.signalEntity(new df.EntityId("Counter", "transfers"), "add", 1);
    return { moved: true, balance };
});
