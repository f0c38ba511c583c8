'use strict';
// One invocation: calls the function, and decides when it is complete and with what (@azure/functions 3 src/InvocationModel.ts).

const { format } = require('util');
const { create } = require('./context');
const { toError } = require('./errors');
const { isReplay } = require('./orchestration');

const LEARN_MORE = 'https://go.microsoft.com/fwlink/?linkid=2097909';
const BOTH = `Error: Choose either to return a promise or call 'done'. Do not use both in your script. Learn more: ${LEARN_MORE}`;
const TWICE = "Error: 'done' has already been called. Please check your script for extraneous calls to 'done'.";

class Invocation {
  // sink is {log(fn, invocationId, level, isSystem, message)}; hintAfter is in milliseconds.
  constructor(fn, call, attachments, sink, hintAfter) {
    this.fn = fn;
    this.id = call.invocationId;
    this.sink = sink;
    this.hintAfter = hintAfter;
    this.isDone = false;
    this.isPromise = false;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.answer.catch(() => {}); // who calls run hears of it; a failure of create must not count as unhandled
    const { context, inputs } = create(fn, call, attachments, this.log.bind(this), this.done.bind(this));
    this.context = context;
    this.inputs = inputs;
  }

  // run resolves with what the function handed back, through its promise or through done, whichever is first. Hooks may have replaced the
  // inputs and the function.
  run(inputs = this.inputs, callback = this.fn.callback) {
    const { fn, context } = this;
    let returned;
    try {
      returned = callback.call(fn.module, context, ...inputs);
    } catch (thrown) {
      this.isDone = true;
      this.reject(toError(thrown));
      return this.answer;
    }
    this.isPromise = Boolean(returned) && typeof returned.then === 'function';
    if (this.isPromise) {
      Promise.resolve(returned).then(
        (result) => {
          this.complete();
          this.resolve(result);
        },
        (thrown) => {
          this.isDone = true;
          this.reject(toError(thrown));
        });
    } else if (returned !== undefined && !this.isDone && !fn.hinted) {
      this.hintLater();
    }
    return this.answer;
  }

  done(err, result) {
    this.complete();
    if (err !== null && err !== undefined) {
      this.reject(toError(err));
    } else {
      this.resolve(result);
    }
  }

  complete() {
    if (this.isDone) {
      if (this.isPromise && this.mayDoBoth()) return;
      this.system('error', this.isPromise ? BOTH : TWICE);
    }
    this.isDone = true;
  }

  // durable-functions 1.x calls done from async code of its own without saying suppressAsyncDoneError: the app's author can do nothing
  // about that.
  mayDoBoth() {
    return this.context.suppressAsyncDoneError || this.fn.triggerType === 'orchestrationtrigger' || this.fn.triggerType === 'entitytrigger';
  }

  hintLater() {
    setTimeout(() => {
      if (this.isDone || this.fn.hinted) return;
      this.fn.hinted = true;
      this.system('warning',
        `Function '${this.fn.name}' returned a value that is no promise and has not called 'context.done'. The value is ignored, and ` +
        "the function runs until its timeout. Did you mean 'async function', or 'context.done(null, value)'?");
    }, this.hintAfter).unref();
  }

  log(level, args) {
    if (isReplay(this.fn, this.context)) return;
    if (this.isDone) {
      this.system('warning',
        "Warning: Unexpected call to 'log' on the context object after function execution has completed. Please check for " +
        "asynchronous calls that are not awaited or calls to 'done' made before function execution completes. " +
        `Function name: ${this.fn.name}. Invocation Id: ${this.id}. Learn more: ${LEARN_MORE}`);
    }
    this.sink.log(this.fn, this.id, level, false, format(...args));
  }

  system(level, message) {
    this.sink.log(this.fn, this.id, level, true, message);
  }
}

module.exports = { Invocation };
