// What the functions need of durable-functions: of 1.x and 2.x as their authors mean it, of 3.x without the programming model around it, so that functions in
// folders can use it.
const { version } = require("durable-functions/package.json");

if (!version.startsWith("3.")) {
    module.exports = require("durable-functions");
} else {
    const { Orchestrator } = require("durable-functions/lib/src/orchestrations/Orchestrator");
    const { Entity } = require("durable-functions/lib/src/entities/Entity");
    const { EntityId } = require("durable-functions/lib/src/entities/EntityId");
    const asFunction = (handler) => (context) => handler(context.bindings.context, context);
    module.exports = {
        EntityId,
        orchestrator: (fn) => asFunction(new Orchestrator(fn).listen()),
        entity: (fn) => asFunction(new Entity(fn).listen()),
    };
}
