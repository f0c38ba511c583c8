const fs = require("fs");
const path = require("path");

// Fails the given number of times, then answers the number of the attempt.
module.exports = async function (context, { key, failures }) {
    const file = path.join(process.env.E2E_DIR, "flaky-" + key);
    fs.appendFileSync(file, "x");
    const attempt = fs.statSync(file).size;
    if (attempt <= failures) {
        throw new Error(`attempt ${attempt} fails`);
    }
    return attempt;
};
