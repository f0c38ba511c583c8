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
  for (const name of Object.keys(bindings)) {
    // Nobody takes these; the host warns of them, since otherwise an orchestration would not start without a word.
    if (asksForStart(bindings[name]) && !fn.bindings.some((b) => b.name === name && !isClientInput(b))) {
      out.push({ n: name, v: encode(bindings[name], attachments, `the value of context.bindings.${name}`) });
    }
  }
  return { out, ret };
}

// asksForStart: the value is what the durable client's output binding takes.
function asksForStart(value) {
  const one = Array.isArray(value) ? value[0] : value;
  return typeof one === 'object' && one !== null && ['FunctionName', 'functionName'].some((key) => typeof one[key] === 'string');
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

// isClientInput: a function that overwrites its durable client takes it for an output.
function isClientInput(binding) {
  return binding.direction === 'in' && /^(durable|orchestration)client$/i.test(binding.type);
}

module.exports = { collect };
