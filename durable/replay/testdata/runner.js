// Runs orchestrators with the real SDK of one folder. Usage: node runner.js SDK_FOLDER
//
// Each line of stdin is {"name": orchestrator, "payload": value of the orchestrationTrigger}; each line of stdout answers with
// {"result": ...} or {"failure": message}, in order. Repeated actions of a result are replaced as the node worker does it.
"use strict";
const path = require("path");
const readline = require("readline");

const folder = { paths: [path.resolve(process.argv[2])] };
const version = require(require.resolve("durable-functions/package.json", folder)).version;
globalThis.sdk = version.startsWith("3.") ? sdk3() : require(require.resolve("durable-functions", folder));
const orchestrators = require("./orchestrators.js");

// durable-functions 3.x without the programming model around it.
function sdk3() {
    const part = (file) => require(require.resolve("durable-functions/lib/src/" + file, folder));
    const { Orchestrator } = part("orchestrations/Orchestrator");
    const { EntityId } = part("entities/EntityId");
    return {
        EntityId,
        is3: true,
        orchestrator: (fn) => {
            const handler = new Orchestrator(fn).listen();
            return async (context) => {
                const trigger = JSON.parse(context.bindings.context);
                await handler(trigger, context).then((result) => context.done(null, result), (err) => context.done(err));
            };
        },
    };
}

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
    const handler = globalThis.sdk.orchestrator(orchestrators[name]);
    let answer;
    const context = {
        bindings: { context: typeof payload === "string" || !version.startsWith("3.") ? payload : JSON.stringify(payload) },
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
