const fs = require("fs");
const path = require("path");
const df = require("../sdk");

// Counts, and does what entities can go wrong with.
module.exports = df.entity(async function (context) {
    const c = context.df;
    const value = c.getState(() => 0);
    switch (c.operationName) {
        case "add":
            c.setState(value + c.getInput());
            break;
        case "get":
            c.return(value);
            break;
        case "reset":
            c.destructOnExit();
            break;
        case "identify":
            c.return({ name: c.entityName, key: c.entityKey, isNew: c.isNewlyConstructed, input: c.getInput() });
            break;
        case "tell": // adds its value to another counter
            c.signalEntity(new df.EntityId("Counter", c.getInput()), "add", value);
            break;
        case "fail": // when it has changed and sent something
            c.setState(value + 1000);
            c.signalEntity(new df.EntityId("Counter", "told"), "add", 1);
            await new Promise((resolve) => setImmediate(resolve));
            throw new RangeError("no more than " + value);
        case "throwText":
            throw "just a text";
        case "throwObject":
            throw { code: 7 };
        case "bug":
            c.return(undefined.property);
            break;
        case "describe": // an error's usual JSON form where the SDK does not write it
            c.return(JSON.stringify({ error: Object.assign(new Error("hidden"), { code: 7 }) }));
            break;
        case "exitOnce": { // ends its worker the first time
            const file = path.join(process.env.E2E_DIR, "exited");
            if (!fs.existsSync(file)) {
                fs.writeFileSync(file, "");
                process.exit(7);
            }
            c.setState(value + 1);
        }
    }
});
