'use strict';
// req.parseFormBody(): multipart/form-data and application/x-www-form-urlencoded.

// Form holds the parts of a form in order: get, getAll, has, length, and iteration over [name, part].
class Form {
  #parts;

  constructor(parts) {
    this.#parts = parts;
  }

  get(name) {
    const found = this.#parts.find(([key]) => key === name);
    return found === undefined ? null : found[1];
  }

  getAll(name) {
    return this.#parts.filter(([key]) => key === name).map(([, part]) => part);
  }

  has(name) {
    return this.#parts.some(([key]) => key === name);
  }

  get length() {
    return this.#parts.length;
  }

  [Symbol.iterator]() {
    return this.#parts[Symbol.iterator]();
  }
}

const FORM_TYPES = '"multipart/form-data", "application/x-www-form-urlencoded"';

function parseForm(body, contentType) {
  const { value: mediaType, params } = parseParameters(contentType);
  if (!/^[^/\s]+\/[^/\s]+$/.test(mediaType)) throw new Error('content-type must begin with format "type/subtype".');
  switch (mediaType.toLowerCase()) {
    case 'multipart/form-data': {
      if (!params.has('boundary')) throw new Error('Failed to find parameter with name "boundary".');
      return new Form(parseMultipart(body, params.get('boundary')));
    }
    case 'application/x-www-form-urlencoded': {
      const fields = new URLSearchParams(body.toString('utf8'));
      return new Form(Array.from(fields, ([name, value]) => [name, { value: Buffer.from(value) }]));
    }
    default:
      throw new Error(`Media type "${mediaType}" does not match types supported for form parsing: ${FORM_TYPES}.`);
  }
}

// parseParameters reads a header value such as: form-data; name="a"; filename="b.txt".
function parseParameters(header) {
  const semicolon = header.indexOf(';');
  const value = (semicolon < 0 ? header : header.slice(0, semicolon)).trim();
  const params = new Map();
  if (semicolon >= 0) {
    const pattern = /;\s*([^=;\s]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g;
    for (const [, name, quoted, plain] of header.slice(semicolon).matchAll(pattern)) {
      params.set(name.toLowerCase(), quoted === undefined ? plain.trim() : quoted.replace(/\\(["\\])/g, '$1'));
    }
  }
  return { value, params };
}

// parseMultipart finds the parts between the boundary lines (RFC 7578, RFC 2046 section 5.1.1). A preamble is skipped, a missing
// closing boundary ends the last part at the end of the body.
function parseMultipart(body, boundary) {
  const delimiter = Buffer.from(`--${boundary}`);
  const parts = [];
  let at = findDelimiter(body, delimiter, 0);
  if (at < 0) throw new Error(`Expected form data to start with boundary "${boundary}".`);
  for (;;) {
    let start = at + delimiter.length;
    if (body[start] === 0x2d && body[start + 1] === 0x2d) return parts; // "--": the closing boundary
    const lineEnd = body.indexOf(0x0a, start);
    if (lineEnd < 0) return parts;
    start = lineEnd + 1;
    at = findDelimiter(body, delimiter, start);
    let end = at < 0 ? body.length : at;
    if (at > start && body[end - 1] === 0x0a) end -= body[end - 2] === 0x0d ? 2 : 1;
    parts.push(parsePart(body.subarray(start, Math.max(start, end))));
    if (at < 0) return parts;
  }
}

// findDelimiter returns the offset of the next delimiter that begins a line and is followed by the line's end or "--".
function findDelimiter(body, delimiter, from) {
  for (let at = body.indexOf(delimiter, from); at >= 0; at = body.indexOf(delimiter, at + 1)) {
    if (at !== from && at !== 0 && body[at - 1] !== 0x0a) continue;
    const next = body[at + delimiter.length];
    if (next === undefined || next === 0x0d || next === 0x0a || next === 0x20 || next === 0x09) return at;
    if (next === 0x2d && body[at + delimiter.length + 1] === 0x2d) return at;
  }
  return -1;
}

function parsePart(part) {
  let name;
  const result = {};
  let at = 0;
  for (;;) {
    let lineEnd = part.indexOf(0x0a, at);
    if (lineEnd < 0) lineEnd = part.length;
    const line = part.toString('utf8', at, lineEnd).replace(/\r$/, '');
    at = Math.min(lineEnd + 1, part.length);
    if (line === '') break;
    const colon = line.indexOf(':');
    const header = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (header === 'content-disposition') {
      const { params } = parseParameters(value);
      name = params.get('name');
      if (params.has('filename')) result.fileName = params.get('filename');
    } else if (header === 'content-type') {
      result.contentType = value;
    }
    if (lineEnd === part.length) break;
  }
  if (name === undefined) throw new Error('Expected part to have header "content-disposition" with parameter "name".');
  result.value = part.subarray(at);
  return [name, result];
}

module.exports = { parseForm };
