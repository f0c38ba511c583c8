'use strict';
// context.req of the v3 programming model (@azure/functions 3 src/http/Request.ts).

const { parseOrText } = require('./values');

class Request {
  // wire is {method, url, headers, query, params}; body is a Buffer or undefined.
  constructor(wire, body) {
    this.method = wire.method;
    this.url = wire.url;
    this.originalUrl = wire.url;
    this.headers = wire.headers || {};
    this.query = wire.query || {};
    this.params = wire.params || {};
    if (body !== undefined && body.length > 0) {
      this.bufferBody = body;
      if (isBinary(this.get('content-type'))) {
        this.body = body;
        this.rawBody = body.toString('utf8');
      } else {
        this.rawBody = decodeText(body);
        this.body = parseOrText(this.rawBody);
      }
    }
  }

  get(field) {
    return this.headers[String(field).toLowerCase()];
  }

  get user() {
    const value = require('./user').userOf(this.headers);
    Object.defineProperty(this, 'user', { value, configurable: true });
    return value;
  }

  parseFormBody() {
    const contentType = this.get('content-type');
    if (!contentType) throw new Error('"content-type" header must be defined.');
    return require('./form').parseForm(this.bufferBody || Buffer.alloc(0), contentType);
  }
}

function isBinary(contentType) {
  if (contentType === undefined) return false;
  const type = contentType.toLowerCase();
  return type === 'application/octet-stream' || type.startsWith('multipart/');
}

// decodeText decodes UTF-8, or what a byte order mark announces: UTF-8, UTF-16 and UTF-32 in either byte order.
function decodeText(buf) {
  const [a, b, c, d] = buf;
  if (a === 0xef && b === 0xbb && c === 0xbf) return buf.toString('utf8', 3);
  if (a === 0xff && b === 0xfe && c === 0 && d === 0) return decodeUTF32(buf, (at) => buf.readUInt32LE(at));
  if (a === 0xff && b === 0xfe) return buf.toString('utf16le', 2);
  if (a === 0xfe && b === 0xff) {
    const even = Buffer.from(buf.subarray(2, buf.length - (buf.length % 2)));
    return even.swap16().toString('utf16le');
  }
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return decodeUTF32(buf, (at) => buf.readUInt32BE(at));
  return buf.toString('utf8');
}

function decodeUTF32(buf, read) {
  let text = '';
  for (let at = 4; at + 4 <= buf.length; at += 4) {
    const code = read(at);
    text += code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? '\ufffd' : String.fromCodePoint(code);
  }
  return text;
}

module.exports = { Request };
