// Runs orchestrators with the real SDK of one folder. Usage: node runner.js SDK_FOLDER
//
// Each line of stdin is {"name": orchestrator, "payload": value of the orchestrationTrigger}; each line of stdout answers with
// {"result": ...} or {"failure": message}, in order. Repeated actions of a result are replaced as the node worker does it.
"use strict";
const path = require("path");
const readline = require("readline");

const df = require(require.resolve("durable-functions", { paths: [path.resolve(process.argv[2])] }));
const orchestrators = require("./orchestrators.js");

function nameRepeats(result) {
    if (!result || !Array.isArray(result.actions)) return result;
    const known = new Map();
    const walk = (action) => {
        if (Array.isArray(action.compoundActions)) {
            return Object.assign({}, action, { compoundActions: action.compoundActions.map(walk) });
        }
        if (known.has(action)) return { actionRef: known.get(action) };
        known.set(action, known.size);
        return action;
    };
    return Object.assign({}, result, { actions: result.actions.map((list) => list.map(walk)) });
}

async function run({ name, payload }) {
    const handler = df.orchestrator(orchestrators[name]);
    let answer;
    const context = {
        bindings: { context: payload },
        log: () => {},
        done: (err, result) => {
            answer = err ? { failure: err.message } : { result: nameRepeats(result) };
        },
    };
    try {
        await handler(context);
    } catch (err) {
        return { crash: String(err && err.stack) };
    }
    return answer || { crash: "context.done was not called" };
}

(async () => {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        process.stdout.write(JSON.stringify(await run(JSON.parse(line))) + "\n");
    }
})();
