'use strict';
// One invocation of a function that the app's code has registered: it goes through the programming model, and through the app's hooks
// (azure-functions-nodejs-worker src/eventHandlers/InvocationHandler.ts).

const { readOnly } = require('./core');
const { toTyped, metadataToTyped, fromTyped } = require('./typeddata');
const { guard } = require('./stream');
const { isOrchestratorState, isReplay, withActionRefs } = require('./orchestration');

// CoreContext is what the host's side gives the programming model for an invocation.
class CoreContext {
  constructor(core, fn, call, attachments) {
    this.core = core;
    this.fn = fn;
    this.invocationId = call.invocationId;
    this.request = rpcRequest(fn, call, attachments);
    this.metadata = fn.metadata;
    this.state = undefined;
    this.invocationContext = undefined; // the user's, once it is made
  }

  log(level, category, message) {
    const { core, fn, invocationId, invocationContext } = this;
    if (category === 'user' && isReplay(fn, invocationContext)) return;
    core.log({ fn, invocationId, level, category, message, invocationContext });
  }

  // during does something in a state, which programming models look at.
  async during(state, what) {
    this.state = state;
    try {
      return await what();
    } finally {
      this.state = undefined;
    }
  }
}

function rpcRequest(fn, call, attachments) {
  const parsesText = fn.parsesText && fn.triggerType !== 'httptrigger'; // for HTTP it looks at the fields itself
  return {
    invocationId: call.invocationId,
    functionId: fn.metadata.functionId,
    inputData: (call.inputs || []).map(({ n: name, v: value }) => ({ name, data: toTyped(value, attachments, parsesText) })),
    triggerMetadata: metadataToTyped(call.metadata, parsesText),
    traceContext: { traceParent: call.traceparent, traceState: call.tracestate, attributes: {} },
    retryContext: call.retry && retryContext(call.retry),
  };
}

function retryContext({ exception, ...counts }) {
  return { ...counts, exception: exception === undefined ? undefined : { message: exception } };
}

// invoke returns {out, ret, answered, result}, with the data of out and ret in parts. answered: the response has gone out over HTTP.
async function invoke(core, fn, call, attachments, parts) {
  const coreContext = new CoreContext(core, fn, call, attachments);
  const model = fn.model.getInvocationModel(coreContext);
  const { context, inputs } = await model.getArguments();
  coreContext.invocationContext = context;
  const result = await withHooks(core, coreContext, { context, inputs, callback: fn.callback },
    (args, callback) => model.invokeFunction(context, args, callback));
  const response = await model.getResponse(context, fn.triggerType === 'httptrigger' ? guard(call.invocationId, result) : asJSON(fn, result));
  return {
    out: (response.outputData || []).map(({ name, data }) => ({ n: name, v: fromTyped(data, parts, `the value of output binding '${name}'`) })),
    ret: fromTyped(response.returnValue, parts, `the result of function '${fn.name}'`),
    answered: (fn.triggerType === 'httptrigger' && result !== undefined && result !== null) || undefined,
    result,
  };
}

// withHooks calls a function between its hooks, which share hookData, and may replace its inputs, the function itself, its result and its
// error.
function withHooks(core, coreContext, args, call) {
  if (core.hasInvocationHooks()) return hooked(core, coreContext, args, call);
  return coreContext.during('invocation', () => call(args.inputs, args.callback));
}

async function hooked(core, coreContext, { context, inputs, callback }, call) {
  const shared = { hookData: {}, appHookData: core.appHookData, invocationContext: context };
  const pre = readOnly({ inputs, functionCallback: callback }, shared);
  await coreContext.during('preInvocationHooks', () => core.run('preInvocation', pre));
  const post = readOnly({ inputs: pre.inputs, result: null, error: null }, shared);
  try {
    post.result = await coreContext.during('invocation', () => call(pre.inputs, pre.functionCallback));
  } catch (thrown) {
    post.error = thrown === undefined || thrown === null ? new Error('Unknown error') : thrown;
  }
  await coreContext.during('postInvocationHooks', () => core.run('postInvocation', post));
  if (post.error !== undefined && post.error !== null) throw post.error;
  return post.result;
}

// runHooked runs an invocation of a function folder between the app's hooks.
function runHooked(core, invocation) {
  const { context, inputs, fn } = invocation;
  const stateless = { during: (state, what) => what() };
  return withHooks(core, stateless, { context, inputs, callback: fn.callback }, (args, callback) => invocation.run(args, callback));
}

// asJSON: the models write objects as JSON, which would make two actions of one that stands twice in an orchestrator's state.
function asJSON(fn, result) {
  return fn.triggerType === 'orchestrationtrigger' && isOrchestratorState(result) ? withActionRefs(result) : result;
}

module.exports = { invoke, runHooked };
