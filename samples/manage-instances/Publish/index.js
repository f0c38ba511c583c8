const fs = require("fs");
const path = require("path");

module.exports = function (context, report) {
    const file = path.join(__dirname, "..", "publish-target.txt");
    const target = fs.readFileSync(file, "utf8").trim();
    if (!/^https?:\/\//.test(target)) {
        throw new Error(`publish-target.txt says '${target}', which is no URL.`);
    }
    context.done(null, `Published ${report} at ${target}`);
};
