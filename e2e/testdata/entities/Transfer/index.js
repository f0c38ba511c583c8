const df = require("../sdk");

// Moves money from one account to another under the locks of both.
module.exports = df.orchestrator(function* (context) {
    const { from, to, amount, end } = context.df.getInput();
    const source = new df.EntityId("Account", from), target = new df.EntityId("account", to);
    const lock = yield context.df.lock([source, target]);
    if (!context.df.isLocked().isLocked) throw new Error("isLocked says no");
    try {
        yield context.df.callEntity(source, "withdraw", amount);
    } catch (error) {
        lock.release();
        return error.message;
    }
    if (end === "fail") {
        yield context.df.callEntity(source, "deposit", amount);
        throw new Error("given up in the section");
    }
    yield context.df.callEntity(target, "deposit", amount);
    if (end !== "forget") lock.release();
    return "moved";
});
