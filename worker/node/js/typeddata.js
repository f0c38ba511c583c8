'use strict';
// Between the values of the wire and the TypedData of the FunctionRpc protocol, in which programming models take and give values.

const { HTTP, parseOrText, decode, encode } = require('./values');

// asItIs makes TypedData of a JavaScript value, which @azure/functions hands on without a look at it. In text it would try JSON.parse, whose failure
// takes longer than all else here.
function asItIs(value) {
  return { int: value };
}

// textToTyped makes TypedData of text. parsesText: the model parses it if it can.
function textToTyped(text, parsesText) {
  const value = parsesText ? parseOrText(text) : null;
  return value === null ? { string: text } : asItIs(value);
}

// toTyped makes the TypedData of an input.
function toTyped(value, attachments, parsesText) {
  if (!value) return undefined;
  const data = attachments[value.a];
  switch (value.k) {
    case 's':
      return textToTyped(data.toString('utf8'), parsesText);
    case 'j':
      return { json: data.toString('utf8') };
    case 'b':
      return { bytes: data };
    case HTTP:
      // The query is left to the URL, which keeps repeated names apart.
      return { http: {
        method: value.method, url: value.url, headers: value.headers || {}, params: value.params || {},
        body: data === undefined ? undefined : { bytes: data },
      } };
    default:
      return asItIs(decode(value, attachments)); // what is an object already
  }
}

// metadataToTyped makes TypedData of binding data: text travels as text.
function metadataToTyped(metadata, parsesText) {
  const typed = {};
  for (const name of Object.keys(metadata || {})) {
    const value = metadata[name];
    typed[name] = typeof value === 'string' ? textToTyped(value, parsesText) : { json: JSON.stringify(value) };
  }
  return typed;
}

// fromTyped adds the data of TypedData to attachments and returns the value for the wire.
function fromTyped(data, attachments, what) {
  if (data === undefined || data === null) return undefined;
  for (const key of ['string', 'bytes', 'stream', 'int', 'double']) {
    if (data[key] !== undefined && data[key] !== null) return encode(plain(key, data[key]), attachments, what);
  }
  if (typeof data.json === 'string') return { k: 'j', a: attachments.push(data.json) - 1 };
  if (data.http) return fromHTTP(data.http, attachments, what);
  for (const key of ['collectionString', 'collectionDouble', 'collectionSint64', 'collectionBytes']) {
    if (data[key]) return encode(Object.values(data[key])[0], attachments, what);
  }
  return undefined;
}

function plain(key, value) {
  return key === 'bytes' || key === 'stream' ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}

function fromHTTP(http, attachments, what) {
  const cookies = (http.cookies || []).map(cookie);
  return {
    k: HTTP,
    status: http.statusCode === undefined || http.statusCode === null ? '' : String(http.statusCode),
    headers: http.headers || {},
    cookies: cookies.length > 0 ? cookies : undefined,
    body: fromTyped(http.body, attachments, `the body of ${what}`),
  };
}

const SAME_SITE = { lax: 'Lax', strict: 'Strict', explicitNone: 'None' };
const valueOf = (nullable) => (nullable === undefined || nullable === null ? undefined : nullable.value);

function cookie(c) {
  const expires = valueOf(c.expires);
  return {
    name: c.name || '',
    value: c.value || '',
    domain: valueOf(c.domain),
    path: valueOf(c.path),
    expires: expires && new Date(Number(expires.seconds) * 1000).toISOString(),
    secure: valueOf(c.secure),
    httpOnly: valueOf(c.httpOnly),
    sameSite: SAME_SITE[c.sameSite],
    maxAge: valueOf(c.maxAge),
  };
}

module.exports = { toTyped, metadataToTyped, fromTyped };
