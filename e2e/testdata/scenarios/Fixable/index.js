const fs = require("fs");
const path = require("path");

// Fails until the test makes a file of this name.
module.exports = function (context, name) {
    if (!fs.existsSync(path.join(process.env.E2E_DIR, name))) {
        throw new Error(`${name} is broken`);
    }
    context.done(null, `${name} works`);
};
