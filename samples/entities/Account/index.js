const df = require("durable-functions");

// A bank account: its balance never falls below 0. Each operation returns the balance.
module.exports = df.entity(function (context) {
    const balance = context.df.getState(() => 0);
    const amount = context.df.getInput();
    switch (context.df.operationName) {
        case "deposit":
            context.df.setState(balance + amount);
            break;
        case "withdraw":
            if (amount > balance) {
                throw new Error(`${context.df.entityKey} has only ${balance}`);
            }
            context.df.setState(balance - amount);
            break;
    }
    context.df.return(context.df.getState(() => 0));
});
