'use strict';
// The worker: answers the host's frames. It is ready as soon as it has said so; what the host tells it first is the app's root.

const { Connection } = require('./frames');
const { describe } = require('./errors');
const histories = require('./histories');

// Types of frames, as in frame.go.
const INIT = 1, LOAD = 2, INVOKE = 3, DRAIN = 4, INDEX = 5;
const READY = 64, LOADED = 65, RESULT = 66, FAILURE = 67, LOG = 68, INDEXED = 69, ENTERING = 70, MISSING = 71;

const LEVELS = { trace: 0, debug: 1, information: 2, warning: 3, error: 4, critical: 4 };
const EPISODE = 'o'; // kind of value, as in values.js, which is not needed to start
const UNCAUGHT = 'LanguageWorkerConsoleLog[error] Worker uncaught exception:';

const functions = new Map(); // by the host's number
const running = new Map(); // names of the functions that run, by the host's number of the invocation
const inspectArg = process.execArgv.find((arg) => /^--inspect(-brk|-wait)?(=|$)/.test(arg));
let root = process.cwd();
let hintAfter = 1000;
let isEnding = false;
let loader;
let core; // what the app registers, once something has been loaded
let loading = Promise.resolve();

const sink = {
  log(fn, invocationId, level, isSystem, message) {
    const header = { level: LEVELS[level] === undefined ? LEVELS.information : LEVELS[level], fn: fn && fn.name, inv: invocationId, system: isSystem || undefined };
    connection.send(LOG, header, [Buffer.from(message)]);
  },
};

function onFrame({ type, header, attachments }) {
  switch (type) {
    case INIT:
      root = header.root;
      hintAfter = header.hintAfter;
      histories.setRoom(header.keepBytes);
      break;
    case LOAD:
      loading = loading.then(() => load(header)); // one after the other, so that the host knows which one ends the process
      break;
    case INVOKE:
      invoke(header, attachments);
      break;
    case INDEX:
      loading = loading.then(() => index(header));
      break;
    case DRAIN:
      if (inspectArg) require('./inspector').giveUp();
      break;
    default:
      throw new Error(`frame of unknown type ${type}`);
  }
}

// prepare makes what scripts are loaded with.
function prepare() {
  if (loader) return;
  require('./compat');
  loader = new (require('./loader').Loader)(root);
  core = new (require('./core').Core)(sink);
  core.intercept();
}

async function index(header) {
  prepare();
  const result = await require('./entry').load(core, loader, { root, files: header.files }, (file) => {
    connection.send(ENTERING, { file });
    connection.flush(); // the file may never come to an end
  });
  connection.send(INDEXED, result);
}

async function load({ id, registered, ...metadata }) {
  try {
    prepare();
    core.isLocked = true; // what a function's own script registered would be nobody's
    functions.set(id, registered ? require('./entry').registered(core, metadata) : await loader.load(metadata));
    connection.send(LOADED, { id, ok: true });
  } catch (thrown) {
    const { message, stack } = require('./loaderrors').explain(thrown, metadata, root);
    connection.send(LOADED, { id, ok: false }, [Buffer.from(message), Buffer.from(stack)]);
  }
}

async function invoke(call, attachments) {
  try {
    const fn = functions.get(call.fn);
    if (fn === undefined) throw new Error(`function number ${call.fn} is not loaded`);
    running.set(call.id, fn.name);
    const parts = [];
    const run = fn.isRegistered ? require('./model').invoke : invokeFolder;
    const invocation = () => run(core, fn, call, attachments, parts);
    const { out, ret, answered, result } = await (fn.triggerType === 'entitytrigger' ? require('./entity').runEntity(invocation) : invocation());
    connection.send(RESULT, resultHeader(call.id, out, ret, answered, keep(fn, call, result)), parts);
  } catch (thrown) {
    if (thrown instanceof histories.Missing) {
      connection.send(MISSING, { id: call.id });
      return;
    }
    const episode = episodeOf(call);
    if (episode !== undefined) histories.drop(episode);
    const fn = functions.get(call.fn);
    fail(call.id, thrown, fn !== undefined && fn.isRegistered ? require('./stream').breakOff(call.invocationId) : undefined);
  } finally {
    running.delete(call.id);
  }
}

// keep keeps the history of an episode if it can.
function keep(fn, call, result) {
  const episode = episodeOf(call);
  return episode !== undefined && histories.settle(fn, episode, result);
}

function episodeOf(call) {
  const input = call.inputs[0];
  return input !== undefined && input.v !== undefined && input.v.k === EPISODE ? input.v : undefined;
}

// resultHeader writes the header as text. The host reads this form without a JSON parser, unless it has out, answered or gone in it.
function resultHeader(id, out, ret, answered, isKept) {
  const gone = histories.takeDropped();
  if (out.length > 0 || answered || gone !== undefined) return JSON.stringify({ id, out, ret, answered, kept: isKept, gone });
  const value = ret === undefined ? '' : `,"ret":${JSON.stringify(ret)}`;
  return `{"id":${id}${value}${isKept ? ',"kept":true' : ''}}`;
}

// invokeFolder invokes a function of a folder. It returns {out, ret, result}, with the data of out and ret in parts.
async function invokeFolder(core, fn, call, attachments, parts) {
  const { Invocation } = require('./invocation');
  const invocation = new Invocation(fn, call, attachments, core.has('log') ? core.hookedSink() : sink, hintAfter);
  const result = core.hasInvocationHooks() ? await require('./model').runHooked(core, invocation) : await invocation.run();
  return { ...require('./outputs').collect(fn, invocation.context, result, parts), result };
}

// fail answers an invocation that has failed. began: its streamed response had begun.
function fail(id, thrown, began) {
  const { message, stack } = describe(thrown);
  try {
    connection.send(FAILURE, { id, began }, [Buffer.from(message), Buffer.from(stack)]);
  } catch (err) {
    connection.send(FAILURE, { id }, [Buffer.from(`${message.slice(0, 1000)}... (${err.message})`), Buffer.alloc(0)]);
  }
}

// nameOf tells which function's code a stack is in, if that can be told.
function nameOf(stack) {
  const path = require('path');
  let names = new Set();
  for (const fn of functions.values()) {
    if (stack.includes(fn.isRegistered ? `${fn.script}:` : fn.directory + path.sep)) names.add(fn.name);
  }
  if (names.size !== 1) names = new Set(running.values()); // a file may register several
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

// end ends the process; the app's appTerminate hooks run before. The host does not wait for ever.
async function end() {
  if (isEnding) return;
  isEnding = true;
  try {
    if (core && core.has('appTerminate')) await core.run('appTerminate', core.appContext());
  } catch (thrown) {
    const { message, stack } = describe(thrown);
    sink.log(undefined, undefined, 'error', true, `An appTerminate hook failed: ${stack || message}`);
  }
  process.exit(0);
}

// The pipes end when the host is gone or wants this process gone.
const connection = new Connection(onFrame, end);
connection.send(READY, { version: process.version, pid: process.pid });
connection.flush();

// What the first invocation needs is read while the host is not waiting for it.
setImmediate(() => {
  if (inspectArg) require('./inspector').takeOver(inspectArg);
  require('./invocation');
  require('./outputs');
});
