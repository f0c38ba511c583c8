'use strict';
// What require('@azure/functions-core') gives the app's libraries: the programming model v4 registers its functions, its model and its hooks
// here (azure-functions-nodejs-worker src/coreApi). There is no such npm package; every require of that name ends here.

const Module = require('module');
const { describe } = require('./errors');
const { loading } = require('./fields');

const NAME = '@azure/functions-core';
const HOOKS = ['preInvocation', 'postInvocation', 'appStart', 'appTerminate', 'log'];

// SystemError, SystemTypeError and SystemRangeError are the contract's: libraries look at the property.
const system = (Base) => class extends Base {
  constructor(message) {
    super(message);
    this.isAzureFunctionsSystemError = true;
  }
};
const SystemError = system(Error);
const SystemTypeError = system(TypeError);
const SystemRangeError = system(RangeError);

class Disposable {
  static from(...disposables) {
    return new Disposable(() => {
      for (const d of disposables) if (d && typeof d.dispose === 'function') d.dispose();
    });
  }

  constructor(callOnDispose) {
    this.callOnDispose = callOnDispose;
  }

  dispose() {
    const call = this.callOnDispose;
    this.callOnDispose = undefined;
    if (typeof call === 'function') call();
  }
}

// Core is what the app has registered, and how its logs and hooks run.
class Core {
  // sink is {log(fn, invocationId, level, isSystem, message)}.
  constructor(sink) {
    this.sink = sink;
    this.model = undefined;
    this.functions = new Map(); // by name: {name, metadata, callback, model, stack}
    this.hooks = new Map(HOOKS.map((name) => [name, []]));
    this.isLocked = false; // no function may be registered any more
    this.appHookData = {}; // seen by all hooks
    this.appLevelHookData = {}; // of appStart and appTerminate
    this.inLogHook = false;
    this.api = this.makeAPI();
  }

  makeAPI() {
    const core = this;
    return {
      version: '3.10.0', // of the worker whose surface this is
      hostVersion: '4.1037.0',
      Disposable,
      setProgrammingModel: (model) => { core.model = model; },
      getProgrammingModel() {
        if (!core.model) throw new SystemError('The programming model is not set: "@azure/functions" sets it when the first function is registered.');
        return core.model;
      },
      registerFunction: (metadata, callback) => core.register(metadata, callback),
      registerHook: (name, callback) => core.registerHook(name, callback),
      log: (level, category, message) => core.log({ level, category, message }),
    };
  }

  // intercept gives the API to every script that requires it.
  intercept() {
    const { api } = this;
    const load = Module._load;
    Module._load = function (request, ...rest) {
      return request === NAME ? api : loading(request, () => load.call(this, request, ...rest));
    };
  }

  register(metadata, callback) {
    if (this.isLocked) throw new SystemError('A function can only be registered during app startup.');
    const id = metadata.functionId || metadata.name;
    if (this.functions.has(id)) {
      throw Object.assign(new SystemError(`A function with id "${id}" has already been registered.`), { earlier: this.functions.get(id).place });
    }
    const place = {};
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 50; // the app's frame stands behind those of the SDKs
    Error.captureStackTrace(place);
    Error.stackTraceLimit = stackTraceLimit;
    this.functions.set(id, { name: metadata.name, metadata, callback, model: this.model, place });
    return new Disposable(() => {
      if (this.isLocked) throw new SystemError('A function can only be disposed during app startup.');
      this.functions.delete(id);
    });
  }

  registerHook(name, callback) {
    const hooks = this.hooks.get(name);
    if (hooks === undefined) throw new SystemRangeError(`Unrecognized hook "${name}"`);
    hooks.push(callback);
    return new Disposable(() => {
      const at = hooks.indexOf(callback);
      if (at >= 0) hooks.splice(at, 1);
    });
  }

  has(name) {
    return this.hooks.get(name).length > 0;
  }

  hasInvocationHooks() {
    return this.has('preInvocation') || this.has('postInvocation');
  }

  // hookedSink is the sink for functions of folders while there are log hooks.
  hookedSink() {
    return {
      log: (fn, invocationId, level, isSystem, message) => this.log({ fn, invocationId, level, category: isSystem ? 'system' : 'user', message }),
    };
  }

  // run calls the hooks of a name one after the other, in the order of their registration.
  async run(name, context) {
    for (const callback of [...this.hooks.get(name)]) await callback(context);
  }

  // appContext is the argument of appStart and appTerminate hooks.
  appContext() {
    return readOnly({}, { hookData: this.appLevelHookData, appHookData: this.appHookData });
  }

  // log writes a line: {fn, invocationId, level, category, message, invocationContext}. The log hooks may change its level and its message;
  // what they log themselves goes out without them.
  log(line) {
    let { level, message } = line;
    if (!this.inLogHook && this.has('log')) {
      const context = readOnly({ level, message }, {
        hookData: {}, appHookData: this.appHookData, category: line.category, invocationContext: line.invocationContext,
      });
      this.inLogHook = true;
      try {
        for (const callback of [...this.hooks.get('log')]) callback(context);
        ({ level, message } = context);
      } catch (thrown) {
        this.sink.log(line.fn, line.invocationId, 'error', true, `A log hook failed: ${describe(thrown).stack || describe(thrown).message}`);
      } finally {
        this.inLogHook = false;
      }
    }
    this.sink.log(line.fn, line.invocationId, level, line.category !== 'user', String(message));
  }
}

// readOnly adds properties to object that can be read and not replaced.
function readOnly(object, properties) {
  for (const name of Object.keys(properties)) {
    Object.defineProperty(object, name, {
      enumerable: true,
      get: () => properties[name],
      set() { throw new SystemTypeError(`Cannot assign to read only property '${name}'`); },
    });
  }
  return object;
}

module.exports = { Core, readOnly };
