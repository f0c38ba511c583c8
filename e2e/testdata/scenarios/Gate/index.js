const fs = require("fs");
const path = require("path");

// Waits until the test makes a file of this name.
module.exports = async function (context, name) {
    const file = path.join(process.env.E2E_DIR, name);
    for (let i = 0; i < 6000; i++) {
        if (fs.existsSync(file)) {
            return name;
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`nobody opened the gate ${name}`);
};
