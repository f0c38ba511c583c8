'use strict';
// From what a function handed back to the values of its output bindings and its return value
// (@azure/functions 3 src/InvocationModel.ts:77-144).

const { encode, encodeJSON } = require('./values');
const { encodeResponse } = require('./response');
const { isOrchestratorState, withActionRefs } = require('./orchestration');

// collect returns {out: [{n: name, v: value}], ret: value} with the data in attachments.
function collect(fn, context, result, attachments) {
  const bindings = context.bindings || {};
  if (fn.httpOutput !== undefined && context.res && bindings[fn.httpOutput.name] === undefined) {
    bindings[fn.httpOutput.name] = context.res;
  }
  const out = [];
  let ret;
  const fromResult = hasResult(fn, result);
  if (fromResult) {
    if (fn.returnBinding !== undefined) {
      ret = convert(fn.returnBinding, result, attachments);
    } else if (typeof result === 'object') {
      for (const binding of fn.outputs) {
        if (result[binding.name] !== undefined) out.push({ n: binding.name, v: convert(binding, result[binding.name], attachments) });
      }
    }
    if (ret === undefined && out.length === 0 && !fn.isHTTP) ret = returnValue(fn, result, attachments);
  }
  for (const binding of fn.outputs) {
    const value = bindings[binding.name];
    if (value === undefined || out.some((o) => o.n === binding.name)) continue;
    out.push({ n: binding.name, v: convert(binding, value, attachments) });
  }
  return { out, ret };
}

// hasResult: a falsy result is no result, except an activity's, whose 0, "" and false are as good as any other.
function hasResult(fn, result) {
  return fn.triggerType === 'activitytrigger' ? result !== undefined && result !== null : Boolean(result);
}

function returnValue(fn, result, attachments) {
  const what = `the result of function '${fn.name}'`;
  if (fn.triggerType === 'orchestrationtrigger' && isOrchestratorState(result)) {
    return encodeJSON(withActionRefs(result), attachments, what);
  }
  return encode(result, attachments, what);
}

function convert(binding, value, attachments) {
  const what = `the value of output binding '${binding.name}'`;
  return binding.type.toLowerCase() === 'http' ? encodeResponse(value, attachments, what) : encode(value, attachments, what);
}

module.exports = { collect };
