const fs = require("fs");
const path = require("path");

// Answers once the test has made a file of this name.
module.exports = async function (context, req) {
    const file = path.join(process.env.E2E_DIR, req.params.gate);
    fs.writeFileSync(file + ".waiting", "");
    while (!fs.existsSync(file)) {
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    context.res = { body: "slow but sure" };
};
