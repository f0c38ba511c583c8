'use strict';
// The context object and the inputs of one invocation (@azure/functions 3 src/Context.ts).

const { HTTP, decode, parseOrText, camelKeys, camelValue, set } = require('./values');
const { Request } = require('./request');
const { Response } = require('./response');

// create returns {context, inputs}. call is the invocation as it came from the host; log(level, args) and done(err, result) are the
// invocation's own.
function create(fn, call, attachments, log, done) {
  const { bindings, inputs, request } = readInputs(fn, call, attachments);
  const context = {
    invocationId: call.invocationId,
    traceContext: { traceparent: call.traceparent, tracestate: call.tracestate, attributes: {} },
    executionContext: {
      invocationId: call.invocationId,
      functionName: fn.name,
      functionDirectory: fn.directory,
      retryContext: retryContext(call.retry),
    },
    bindings,
    log: logger(log),
    bindingData: bindingData(call),
    bindingDefinitions: fn.bindings.map(({ name, type, direction }) => ({ name, type, direction })),
    done,
  };
  if (request !== undefined) addHTTP(fn, context, request);
  return { context, inputs };
}

function readInputs(fn, call, attachments) {
  const bindings = {};
  const inputs = [];
  let request;
  for (const { n: name, v: value } of call.inputs || []) {
    let input;
    if (value && value.k === HTTP) {
      input = request = new Request(value, attachments[value.a]);
    } else {
      input = decode(value, attachments);
      if (name === fn.timerName) input = camelValue(input);
    }
    set(bindings, name, input);
    inputs.push(input);
  }
  return { bindings, inputs, request };
}

function logger(log) {
  return Object.assign((...args) => log('information', args), {
    error: (...args) => log('error', args),
    warn: (...args) => log('warning', args),
    info: (...args) => log('information', args),
    verbose: (...args) => log('trace', args),
  });
}

function retryContext(retry) {
  if (!retry) return undefined;
  const { exception, ...counts } = retry;
  return exception === undefined ? counts : { ...counts, exception: { message: exception } };
}

// bindingData: top-level strings travel as text in the original, which parses them like any other value.
function bindingData(call) {
  const metadata = call.metadata || {};
  const parsed = {};
  for (const key of Object.keys(metadata)) {
    set(parsed, key, typeof metadata[key] === 'string' ? parseOrText(metadata[key]) : metadata[key]);
  }
  return { invocationId: call.invocationId, ...camelKeys(parsed) };
}

function addHTTP(fn, context, request) {
  context.req = request;
  context.res = new Response(context.done);
  const data = context.bindingData;
  data.sys = { methodName: fn.name, utcNow: new Date().toISOString(), randGuid: require('crypto').randomUUID() };
  if (!data.query) data.query = { ...request.query };
  if (!data.headers) data.headers = { ...request.headers };
}

module.exports = { create };
