'use strict';
// The worker: answers the host's frames. It is ready as soon as it has said so; what the host tells it first is the app's root.

const { Connection } = require('./frames');
const { describe } = require('./errors');

// Types of frames, as in frame.go.
const INIT = 1, LOAD = 2, INVOKE = 3, DRAIN = 4;
const READY = 64, LOADED = 65, RESULT = 66, FAILURE = 67, LOG = 68;

const LEVELS = { trace: 0, debug: 1, information: 2, warning: 3, error: 4 };
const UNCAUGHT = 'LanguageWorkerConsoleLog[error] Worker uncaught exception:';

const functions = new Map(); // by the host's number
const running = new Map(); // names of the functions that run, by the host's number of the invocation
const inspectArg = process.execArgv.find((arg) => /^--inspect(-brk|-wait)?(=|$)/.test(arg));
let root = process.cwd();
let hintAfter = 1000;
let loader;
let loading = Promise.resolve();

const sink = {
  log(fn, invocationId, level, isSystem, message) {
    const header = { level: LEVELS[level], fn: fn && fn.name, inv: invocationId, system: isSystem || undefined };
    connection.send(LOG, header, [Buffer.from(message)]);
  },
};

function onFrame({ type, header, attachments }) {
  switch (type) {
    case INIT:
      root = header.root;
      hintAfter = header.hintAfter;
      break;
    case LOAD:
      loading = loading.then(() => load(header)); // one after the other, so that the host knows which one ends the process
      break;
    case INVOKE:
      invoke(header, attachments);
      break;
    case DRAIN:
      if (inspectArg) require('./inspector').giveUp();
      break;
    default:
      throw new Error(`frame of unknown type ${type}`);
  }
}

async function load({ id, ...metadata }) {
  try {
    require('./compat');
    loader = loader || new (require('./loader').Loader)(root);
    functions.set(id, await loader.load(metadata));
    connection.send(LOADED, { id, ok: true });
  } catch (thrown) {
    const { message, stack } = require('./loaderrors').explain(thrown, metadata, root);
    connection.send(LOADED, { id, ok: false }, [Buffer.from(message), Buffer.from(stack)]);
  }
}

async function invoke(call, attachments) {
  try {
    const { Invocation } = require('./invocation');
    const fn = functions.get(call.fn);
    if (fn === undefined) throw new Error(`function number ${call.fn} is not loaded`);
    running.set(call.id, fn.name);
    const invocation = new Invocation(fn, call, attachments, sink, hintAfter);
    const run = () => invocation.run();
    const result = await (fn.triggerType === 'entitytrigger' ? require('./entity').runEntity(run) : run());
    const parts = [];
    const { out, ret } = require('./outputs').collect(fn, invocation.context, result, parts);
    connection.send(RESULT, { id: call.id, out, ret }, parts);
  } catch (thrown) {
    fail(call.id, thrown);
  } finally {
    running.delete(call.id);
  }
}

function fail(id, thrown) {
  const { message, stack } = describe(thrown);
  try {
    connection.send(FAILURE, { id }, [Buffer.from(message), Buffer.from(stack)]);
  } catch (err) {
    connection.send(FAILURE, { id }, [Buffer.from(`${message.slice(0, 1000)}... (${err.message})`), Buffer.alloc(0)]);
  }
}

// nameOf tells which function's code a stack is in, if that can be told.
function nameOf(stack) {
  const path = require('path');
  for (const fn of functions.values()) {
    if (stack.includes(fn.directory + path.sep)) return fn.name;
  }
  const names = new Set(running.values());
  return names.size === 1 ? [...names][0] : undefined;
}

process.on('unhandledRejection', (reason) => {
  const { message, stack } = describe(reason);
  const name = nameOf(stack);
  const of = name === undefined ? '' : ` in function '${name}'`;
  sink.log(name && { name }, undefined, 'error', true, `Unhandled promise rejection${of}: ${stack || message}`);
});

process.on('uncaughtException', (thrown) => {
  const { message, stack } = describe(thrown);
  const name = nameOf(stack);
  const of = name === undefined ? '' : ` (in function '${name}')`;
  process.stderr.write(`${UNCAUGHT} ${stack || message}${of}\n`); // to a pipe this is synchronous
  process.exit(1);
});

process.on('exit', () => connection.flushSync());

// The pipes end when the host is gone or wants this process gone.
const connection = new Connection(onFrame, () => process.exit(0));
connection.send(READY, { version: process.version, pid: process.pid });
connection.flush();

// What the first invocation needs is read while the host is not waiting for it.
setImmediate(() => {
  if (inspectArg) require('./inspector').takeOver(inspectArg);
  require('./invocation');
  require('./outputs');
});
