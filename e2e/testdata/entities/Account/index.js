const df = require("../sdk");

module.exports = df.entity(function (context) {
    const balance = context.df.getState(() => 0);
    const amount = context.df.getInput();
    switch (context.df.operationName) {
        case "deposit":
            context.df.setState(balance + amount);
            break;
        case "withdraw":
            context.df.setState(balance - amount); // rolled back if it fails
            if (balance < amount) throw new Error(`only ${balance} left`);
            break;
    }
    context.df.return(context.df.getState(() => 0));
});
