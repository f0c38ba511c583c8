'use strict';
// Loading of a function's script and choice of the function in it (azure-functions-nodejs-worker src/LegacyFunctionLoader.ts:40-75 and
// src/loadScriptFile.ts:96-104).

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');
const { isModuleNamespaceObject } = require('util').types;

const REQUIRE_ESM = ['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'];

class Loader {
  constructor(root) {
    this.root = root;
    this.require = createRequire(path.join(root, 'function'));
    this.isModuleRoot = undefined;
    this.readsMaps = false;
  }

  // load returns the function for invocations; metadata is {name, directory, script, entryPoint, bindings}.
  async load(metadata) {
    const exported = await this.loadScript(metadata.script);
    const callback = entryPoint(exported, metadata.entryPoint);
    const bindings = metadata.bindings || [];
    const typeIs = (type) => (b) => b.type.toLowerCase() === type;
    const trigger = bindings.find((b) => /trigger$/i.test(b.type));
    const outputs = bindings.filter((b) => b !== trigger && b.direction !== 'in');
    const timer = bindings.find(typeIs('timertrigger'));
    return {
      name: metadata.name,
      directory: metadata.directory,
      bindings,
      module: exported,
      callback,
      triggerType: trigger === undefined ? '' : trigger.type.toLowerCase(),
      isHTTP: bindings.some(typeIs('httptrigger')),
      timerName: timer && timer.name,
      returnBinding: outputs.find((b) => b.name === '$return'),
      outputs: outputs.filter((b) => b.name !== '$return'),
      httpOutput: outputs.find((b) => b.name !== '$return' && typeIs('http')(b)),
      hinted: false,
    };
  }

  async loadScript(file) {
    if (!this.readsMaps && hasSourceMap(file)) {
      this.readsMaps = true;
      process.setSourceMapsEnabled(true);
    }
    if (this.isESM(file)) return importFile(file);
    // A package.json nearer than the root's may say that this is an ES module. Then require throws, or, in newer versions of node,
    // returns the module with an __esModule added to its exports.
    try {
      const exported = this.require(file);
      return isModuleNamespaceObject(exported) ? importFile(file) : exported;
    } catch (err) {
      if (err && REQUIRE_ESM.includes(err.code) && !file.endsWith('.cjs')) return importFile(file);
      throw err;
    }
  }

  isESM(file) {
    if (file.endsWith('.mjs')) return true;
    return file.endsWith('.js') && this.rootIsModule();
  }

  rootIsModule() {
    if (this.isModuleRoot === undefined) {
      this.isModuleRoot = false;
      try {
        const text = fs.readFileSync(path.join(this.root, 'package.json'), 'utf8').replace(/^\ufeff/, '');
        this.isModuleRoot = JSON.parse(text).type === 'module';
      } catch (err) {
        if (err.code !== 'ENOENT') throw new Error(`package.json of the app cannot be read: ${err.message}`);
      }
    }
    return this.isModuleRoot;
  }
}

// hasSourceMap: maps are read for apps that have them only, since node then reads those of all packages too, which takes time.
function hasSourceMap(file) {
  try {
    return fs.readFileSync(file, 'utf8').includes('//# sourceMappingURL=');
  } catch (err) {
    return false; // loading it will tell
  }
}

function importFile(file) {
  return import(require('url').pathToFileURL(file).href);
}

function entryPoint(exported, name) {
  if (typeof exported === 'function') return exported;
  let chosen;
  if (typeof exported === 'object' && exported !== null) {
    const keys = Object.keys(exported);
    if (name) {
      chosen = exported[name];
    } else if (keys.length === 1) {
      chosen = exported[keys[0]];
    } else {
      chosen = exported.run || exported.index;
    }
  }
  if (!chosen) {
    throw new EntryPointError(
      `Unable to determine function entry point${name ? `: ${name}` : ''}. If multiple functions are exported, you must indicate the ` +
        "entry point, either by naming it 'run' or 'index', or by naming it explicitly via the 'entryPoint' metadata property.");
  }
  if (typeof chosen !== 'function') {
    throw new EntryPointError(
      'The resolved entry point is not a function and cannot be invoked by the functions runtime. Make sure the function has been ' +
        'correctly exported.');
  }
  return chosen;
}

// EntryPointError is about what a script exports; its stack says nothing to the app's author.
class EntryPointError extends Error {}

module.exports = { Loader, EntryPointError };
