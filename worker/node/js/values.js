'use strict';
// Values between the host and JavaScript. On the wire a value is {k: kind, a: index of its attachment}; none is undefined or null.

const STRING = 's';
const JSON_TEXT = 'j';
const BYTES = 'b';
const HTTP = 'h';
const EPISODE = 'o';

const parse = JSON.parse;
const stringify = JSON.stringify;

const NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?[ \t\r\n]*$/;

// parseOrText parses text as JSON if it parses, and otherwise is the text itself (@azure/functions 3 src/converters/RpcConverters.ts). What looks
// like a number or a literal is looked at first: to try it with JSON.parse takes long when it is none, as most instance IDs are.
function parseOrText(text) {
  switch (text.charCodeAt(0)) {
    case 0x2d: case 0x30: case 0x31: case 0x32: case 0x33: case 0x34: case 0x35: case 0x36: case 0x37: case 0x38: case 0x39: // - 0 to 9
      return NUMBER.test(text) ? parse(text) : text;
    case 0x66: case 0x6e: case 0x74: // false, null, true
      return text.length > 5 && text.trimEnd().length > 5 ? text : tryToParse(text);
    case 0x22: case 0x5b: case 0x7b: // " [ {
    case 0x20: case 0x09: case 0x0a: case 0x0d:
      return tryToParse(text);
    default:
      return text;
  }
}

function tryToParse(text) {
  try {
    return parse(text);
  } catch (err) {
    return text;
  }
}

// decode makes the JavaScript value of one that is not HTTP.
function decode(value, attachments) {
  if (!value) return undefined;
  const data = attachments[value.a];
  switch (value.k) {
    case STRING:
    case JSON_TEXT:
      return parseOrText(data.toString('utf8'));
    case BYTES:
      return data;
    case EPISODE:
      return require('./histories').open(value, attachments);
    default:
      throw new Error(`value of unknown kind '${value.k}'`);
  }
}

// encode adds the data of a JavaScript value to attachments and returns the value for the wire. what names the value in errors.
function encode(value, attachments, what) {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return attach(STRING, value, attachments);
  if (Buffer.isBuffer(value)) return attach(BYTES, value, attachments);
  if (ArrayBuffer.isView(value)) {
    return attach(BYTES, Buffer.from(value.buffer, value.byteOffset, value.byteLength), attachments);
  }
  return encodeJSON(value, attachments, what);
}

// encodeJSON is encode for what is to travel as JSON whatever it is.
function encodeJSON(value, attachments, what) {
  let text;
  try {
    text = stringify(value);
  } catch (err) {
    const error = new TypeError(`${what} cannot be written as JSON: ${err.message}`);
    error.stack = `${error.message}\n${err.stack}`;
    throw error;
  }
  return text === undefined ? undefined : attach(JSON_TEXT, text, attachments);
}

function attach(kind, data, attachments) {
  return { k: kind, a: attachments.push(data) - 1 };
}

// camelKeys returns a copy of an object with the first letter of each key in lower case, recursively; arrays are left as they are.
function camelKeys(object) {
  const copy = {};
  for (const key of Object.keys(object)) {
    set(copy, key.charAt(0).toLowerCase() + key.slice(1), camelValue(object[key]));
  }
  return copy;
}

function camelValue(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value) ? camelKeys(value) : value;
}

// set is object[key] = value that cannot reach the prototype.
function set(object, key, value) {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[key] = value;
  }
}

module.exports = { HTTP, EPISODE, parseOrText, decode, encode, encodeJSON, camelKeys, camelValue, set };
