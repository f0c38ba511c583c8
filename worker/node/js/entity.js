'use strict';
// The errors of entity functions. The SDK hands over JSON.stringify(error) for each operation that failed, which is "{}" for an Error: its message is
// lost. So while entity functions run, an Error has a JSON form with name, message and stack where it is the whole value and an entity function's
// code is what is running; everywhere else it has the form that it always has.

const { AsyncLocalStorage } = require('async_hooks');
const { describe } = require('./errors');

const inEntity = new AsyncLocalStorage();
let running = 0;

function toJSON(key) {
  const own = { ...this };
  if (key !== '' || !inEntity.getStore()) return own;
  const { message, stack } = describe(this);
  const form = { name: String(this.name), message, stack };
  try {
    JSON.stringify(own);
    return { ...own, ...form };
  } catch (err) {
    return form; // something else that it holds has no JSON form
  }
}

// runEntity runs an invocation of an entity function.
async function runEntity(run) {
  if (running++ === 0 && !('toJSON' in Error.prototype)) {
    Object.defineProperty(Error.prototype, 'toJSON', { value: toJSON, configurable: true, writable: true, enumerable: false });
  }
  try {
    return await inEntity.run(true, run);
  } finally {
    if (--running === 0 && Error.prototype.toJSON === toJSON) delete Error.prototype.toJSON;
  }
}

module.exports = { runEntity };
