// What the functions need of durable-functions. In the programming model v4 it is v4/index.js that makes functions of them.
const { EntityId, entity, orchestrator } = require("durable-functions");

const itself = (fn) => fn;

module.exports = { EntityId, entity: entity || itself, orchestrator: orchestrator || itself };
