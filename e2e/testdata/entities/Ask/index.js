const df = require("../sdk");

// Does what its input lists: {call|signal: [name, key, operation, input]}, {all: [[name, key, operation, input], ...]}, {throw: message}. Returns the results of calls.
module.exports = df.orchestrator(function* (context) {
    const call = ([name, key, operation, input]) => context.df.callEntity(new df.EntityId(name, key), operation, input);
    const results = [];
    for (const step of context.df.getInput()) {
        try {
            if (step.throw) throw Object.assign(new Error(step.throw), { fatal: true });
            if (step.signal) {
                const [name, key, operation, input] = step.signal;
                context.df.signalEntity(new df.EntityId(name, key), operation, input);
            } else if (step.all) {
                results.push(yield context.df.Task.all(step.all.map(call)));
            } else {
                results.push(yield call(step.call));
            }
        } catch (error) {
            if (error.fatal) throw error;
            results.push({ failed: error.message });
        }
    }
    return results;
});
