'use strict';
// The entry files of an app, which register its functions: they are loaded when the process starts, and what they have registered is told
// to the host as if each function had a function.json.

const path = require('path');
const { explain, placeOf } = require('./loaderrors');

// load loads the files in their order and runs the appStart hooks. starting(file) is called before each. It returns what the host is told:
// {functions: [{name, source, script, config}], errors: [{file, message, stack}], httpUri, terminates}.
async function load(core, loader, { root, files }, starting) {
  const errors = [];
  for (const file of files) {
    starting(file);
    try {
      await loader.loadScript(file);
      for (const fn of core.functions.values()) fn.script = fn.script || file;
    } catch (thrown) {
      const { message, stack } = explain(thrown, { script: file }, root);
      errors.push({ file, message: message + earlier(thrown, root), stack });
      for (const fn of core.functions.values()) fn.script = fn.script || file;
    }
  }
  starting(''); // what comes now is no single file's
  const finish = async (what, run) => {
    try {
      return await run();
    } catch (thrown) {
      const { message, stack } = explain(thrown, { script: '' }, root);
      errors.push({ file: '', message: `${what}: ${message}`, stack });
      return {};
    }
  };
  await finish('an appStart hook failed', () => core.run('appStart', core.appContext()));
  core.isLocked = true;
  const { HttpUri: httpUri } = await finish('the programming model cannot be used', () => require('./stream').capabilities(core.model));
  const functions = [...core.functions.values()].map((fn) => describe(fn, root));
  return { functions, errors, httpUri, terminates: core.has('appTerminate') };
}

// earlier says where a function was registered first, when a name is given twice.
function earlier(thrown, root) {
  const place = thrown && thrown.earlier && placeOf(thrown.earlier.stack, root);
  return place ? `: the first time at ${place.file}, line ${place.line}. Give one of them another name.` : '';
}

// describe makes the function.json of a registered function, and names the place of its registration.
function describe(fn, root) {
  const place = placeOf(fn.place.stack, root);
  return {
    name: fn.name,
    source: place ? `${place.file}:${place.line}` : path.relative(root, fn.script || root),
    script: fn.script || root,
    config: config(fn.metadata),
  };
}

function config({ bindings, retryOptions }) {
  const list = Object.keys(bindings || {}).map((name) => {
    const { properties, ...binding } = bindings[name];
    return { ...binding, name };
  });
  if (!retryOptions) return { bindings: list };
  const { retryStrategy, maxRetryCount, delayInterval, minimumInterval, maximumInterval } = retryOptions;
  return {
    bindings: list,
    retry: {
      strategy: retryStrategy,
      maxRetryCount,
      delayInterval: timeSpan(delayInterval),
      minimumInterval: timeSpan(minimumInterval),
      maximumInterval: timeSpan(maximumInterval),
    },
  };
}

// timeSpan makes "d.hh:mm:ss" of {seconds}.
function timeSpan(duration) {
  if (!duration) return undefined;
  const seconds = Number(duration.seconds || 0);
  const two = (n) => String(Math.floor(n)).padStart(2, '0');
  const days = Math.floor(seconds / 86400);
  return `${days > 0 ? `${days}.` : ''}${two((seconds / 3600) % 24)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

// registered returns the function for invocations; metadata is {name, ...} of a load.
function registered(core, metadata) {
  const entry = [...core.functions.values()].find((fn) => fn.name.toLowerCase() === metadata.name.toLowerCase());
  if (!entry || !entry.model) {
    throw new Error(`the entry files have not registered a function called '${metadata.name}' in this process`);
  }
  const bindings = metadata.bindings || [];
  const trigger = bindings.find((b) => /trigger$/i.test(b.type));
  return {
    name: entry.name,
    directory: metadata.directory,
    script: entry.script,
    isRegistered: true,
    callback: entry.callback,
    model: entry.model,
    parsesText: entry.model.name === '@azure/functions', // what it does with text is known
    triggerName: trigger === undefined ? '' : trigger.name,
    triggerType: trigger === undefined ? '' : trigger.type.toLowerCase(),
    metadata: {
      name: entry.name,
      functionId: entry.metadata.functionId || entry.name,
      directory: metadata.directory,
      scriptFile: entry.script,
      bindings: entry.metadata.bindings,
      properties: {},
    },
  };
}

module.exports = { load, registered };
