'use strict';
// What went wrong while a script was loaded, in words for the app's author.

const fs = require('fs');
const path = require('path');
const { fileURLToPath } = require('url');
const { toError, describe } = require('./errors');
const { EntryPointError } = require('./loader');

const MOST_CHECKED = 30; // files that are looked through for a syntax error; each takes a process

// explain returns {message, stack} for what loading the script of metadata has thrown.
function explain(thrown, metadata, root) {
  const { message, stack } = describe(thrown);
  if (thrown instanceof EntryPointError) return { message, stack: '' };
  const error = toError(thrown);
  try {
    if (error.code === 'MODULE_NOT_FOUND') return { message: missingRequire(error, root) || message, stack };
    if (error.code === 'ERR_MODULE_NOT_FOUND') return { message: missingImport(error, root) || message, stack };
    if (error instanceof SyntaxError) return { message: syntax(error, metadata, root) || message, stack };
  } catch (err) {
    // An explanation that fails must not hide what it was to explain.
  }
  return { message: `${message}${where(stack, root)}`, stack };
}

function missingRequire(error, root) {
  const found = /^Cannot find module '([^']*)'/.exec(error.message);
  if (!found) return undefined;
  const from = error.requireStack && error.requireStack[0];
  return missing(found[1], from && relative(from, root), root);
}

function missingImport(error, root) {
  const found = /^Cannot find (?:package|module) '([^']*)' imported from (.*)$/m.exec(error.message);
  if (!found) return undefined;
  const target = path.isAbsolute(found[1]) ? relative(found[1], root) : found[1];
  return missing(target, relative(fromURL(found[2]), root), root, path.isAbsolute(found[1]));
}

function missing(name, from, root, isFile = /^\.{0,2}\//.test(name)) {
  const by = from ? `, required by ${from}` : '';
  if (isFile) return `file '${name}' not found${by}: check the path, which is relative to the requiring file`;
  const parts = name.split('/');
  const packageName = name.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
  const listed = isListed(packageName, root);
  const app = path.basename(root) || root;
  if (fs.existsSync(path.join(root, 'node_modules', packageName, 'package.json'))) {
    return `module '${name}' not found${by}: package '${packageName}' is there, but has no such file; check the path and the package's version`;
  }
  const advice = listed ? 'run `npm install`' : `it is not listed in package.json: run \`npm install ${packageName}\``;
  return `package '${packageName}' not found${by}: ${advice} in the app's folder ${app}`;
}

function isListed(packageName, root) {
  try {
    const pkg = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
    return ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'].some((key) => pkg[key] && packageName in pkg[key]);
  } catch (err) {
    return false;
  }
}

// syntax shows the line of a syntax error. Node puts "file:line", the line and a caret before the stack of an error in a CommonJS
// script; for an ES module some versions do not, so another process has to check the file, and those that it imports.
function syntax(error, metadata, root) {
  let found = located(error.stack, error.message, root);
  const files = metadata.script ? [metadata.script] : [];
  for (let i = 0; !found && i < files.length && i < MOST_CHECKED; i++) {
    found = located(checkFile(files[i]), error.message, root);
    for (const file of importsOf(files[i])) if (!files.includes(file)) files.push(file);
  }
  return found;
}

// importsOf returns the files that a file imports by a relative path.
function importsOf(file) {
  const specifiers = fs.readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g);
  return [...specifiers].map((found) => path.resolve(path.dirname(file), found[1])).filter((target) => fs.existsSync(target));
}

function located(text, message, root) {
  const lines = String(text).split('\n');
  const at = lines.findIndex((line) => /^(?:file:\/\/)?\/.*:\d+$|^[A-Za-z]:\\.*:\d+$/.test(line));
  if (at < 0) return undefined;
  const [, file, line] = /^(.*):(\d+)$/.exec(lines[at]);
  const end = lines.findIndex((l, i) => i > at && (l.trim() === '' || /^\s+at /.test(l) || /^[A-Za-z]*Error/.test(l)));
  const code = lines.slice(at + 1, end < 0 ? at + 3 : end).filter((l) => l.length <= 400);
  const name = relative(fromURL(file), root);
  return [`syntax error in ${name}, line ${line}: ${message}`, ...code].join('\n');
}

function checkFile(file) {
  const { spawnSync } = require('child_process');
  const env = { ...process.env };
  delete env.NODE_OPTIONS;
  const { stderr } = spawnSync(process.execPath, ['--check', file], { env, encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'ignore', 'pipe'] });
  return stderr || '';
}

// where names the innermost place of the stack that lies in the app, outside of node_modules.
function where(stack, root) {
  const place = placeOf(stack, root);
  return place ? ` (${place.file}, line ${place.line})` : '';
}

// placeOf returns that place as {file, line}, the file relative to the root; undefined when there is none.
function placeOf(stack, root) {
  for (const line of String(stack).split('\n')) {
    const found = /^\s+at .*?\(?((?:file:\/\/)?\/[^():]+):(\d+):\d+\)?$/.exec(line);
    if (!found) continue;
    const file = fromURL(found[1]);
    if (file.startsWith(root + path.sep) && !file.includes(`${path.sep}node_modules${path.sep}`)) return { file: relative(file, root), line: Number(found[2]) };
  }
  return undefined;
}

function fromURL(file) {
  return file.startsWith('file://') ? fileURLToPath(file) : file;
}

// relative shortens a path that lies in the app.
function relative(file, root) {
  return file.startsWith(root + path.sep) ? path.relative(root, file) : file;
}

module.exports = { explain, placeOf };
