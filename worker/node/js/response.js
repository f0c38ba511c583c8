'use strict';
// context.res of the v3 programming model, and what an http output becomes for the host
// (@azure/functions 3 src/http/Response.ts and src/converters/RpcHttpConverters.ts).

const { HTTP, encode } = require('./values');

class Response {
  constructor(done) {
    this.headers = {};
    this.cookies = [];
    Object.defineProperty(this, '_done', { value: done, writable: true, configurable: true });
  }

  status(code) {
    this.statusCode = code;
    return this;
  }

  setHeader(field, value) {
    this.headers[String(field).toLowerCase()] = value;
    return this;
  }

  getHeader(field) {
    return this.headers[String(field).toLowerCase()];
  }

  removeHeader(field) {
    delete this.headers[String(field).toLowerCase()];
    return this;
  }

  type(type) {
    return this.setHeader('content-type', type);
  }

  end(body) {
    if (body !== undefined) this.body = body;
    if (Buffer.isBuffer(this.body) && !this.getHeader('content-type')) this.type('application/octet-stream');
    this._done();
    return this;
  }

  sendStatus(code) {
    this.statusCode = code;
    return this.end();
  }

  json(body) {
    this.type('application/json');
    this.end(body);
  }
}
Response.prototype.send = Response.prototype.end;
Response.prototype.header = Response.prototype.set = Response.prototype.setHeader;
Response.prototype.get = Response.prototype.getHeader;

// encodeResponse makes the wire form of an http output.
function encodeResponse(response, attachments, what) {
  if (typeof response !== 'object' || Array.isArray(response)) {
    throw new Error(
      "The HTTP response must be an 'object' type that can include properties such as 'body', 'status', and 'headers'. " +
        'Learn more: https://go.microsoft.com/fwlink/?linkid=2112563');
  }
  const { statusCode, status, headers, cookies, body } = response || {};
  const code = statusCode || (typeof status === 'function' ? undefined : status);
  return {
    k: HTTP,
    status: code === undefined || code === null ? '' : String(code),
    headers: encodeHeaders(headers),
    cookies: encodeCookies(cookies),
    body: encode(body, attachments, `the body of ${what}`),
  };
}

function encodeHeaders(headers) {
  const out = {};
  for (const name in headers || {}) {
    const value = headers[name];
    if (value !== undefined && value !== null && typeof value !== 'function') out[name.toLowerCase()] = String(value);
  }
  return out;
}

const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' };

function encodeCookies(cookies) {
  if (cookies === undefined || cookies === null) return undefined;
  if (!Array.isArray(cookies)) throw new TypeError("The 'cookies' of an HTTP response must be an array of objects with 'name' and 'value'.");
  if (cookies.length === 0) return undefined;
  return cookies.map((cookie, i) => {
    if (typeof cookie !== 'object' || cookie === null) throw mismatch('object', cookie, `cookies[${i}]`);
    return {
      name: expect('string', cookie.name, 'cookie.name') || '',
      value: expect('string', cookie.value, 'cookie.value') || '',
      domain: expect('string', cookie.domain, 'cookie.domain'),
      path: expect('string', cookie.path, 'cookie.path'),
      expires: expiry(cookie.expires),
      secure: expect('boolean', cookie.secure, 'cookie.secure'),
      httpOnly: expect('boolean', cookie.httpOnly, 'cookie.httpOnly'),
      sameSite: SAME_SITE[String(cookie.sameSite).toLowerCase()],
      maxAge: seconds(cookie.maxAge),
    };
  });
}

function expect(type, value, name) {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== type) throw mismatch(type, value, name);
  return value;
}

function mismatch(type, value, name) {
  return new TypeError(`A '${type}' type was expected instead of a '${typeof value}' type. Cannot parse value of '${name}'.`);
}

// expiry takes a Date, milliseconds since 1970, or text as it stands in a Set-Cookie header.
function expiry(value) {
  if (value === undefined || value === null || typeof value === 'string') return value || undefined;
  const date = new Date(value);
  if ((typeof value === 'number' || value instanceof Date) && !isNaN(date)) return date.toISOString();
  throw new TypeError(`A 'number' or 'Date' input was expected instead of a '${typeof value}'. Cannot parse value of 'cookie.expires'.`);
}

function seconds(value) {
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !isFinite(number)) throw mismatch('number', value, 'cookie.maxAge');
  return number;
}

module.exports = { Response, encodeResponse };
