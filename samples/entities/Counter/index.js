const df = require("durable-functions");

// A number that can be added to.
module.exports = df.entity(function (context) {
    const value = context.df.getState(() => 0);
    switch (context.df.operationName) {
        case "add":
            context.df.setState(value + context.df.getInput());
            break;
        case "get":
            context.df.return(value);
            break;
        case "delete":
            context.df.destructOnExit();
            break;
    }
});
