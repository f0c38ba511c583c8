'use strict';
// HTTP streaming: the programming model opens an HTTP server in this process, to which the host forwards requests as they come.

const http = require('http');

const INVOCATION_HEADER = 'x-ms-invocation-id';
const responses = new Map(); // those under way, by invocation

// capabilities asks a programming model what it offers beyond the ordinary. The server that it opens for streaming is one for this machine.
async function capabilities(model) {
  if (!model || typeof model.getCapabilities !== 'function') return {};
  const { createServer } = http;
  http.createServer = (...args) => {
    http.createServer = createServer;
    return prepare(createServer.apply(http, args));
  };
  try {
    return (await model.getCapabilities({})) || {};
  } finally {
    http.createServer = createServer;
  }
}

function prepare(server) {
  const { listen } = server;
  server.listen = (...args) => {
    const callback = args.find((arg) => typeof arg === 'function');
    return listen.call(server, { port: 0, host: '127.0.0.1' }, callback);
  };
  server.requestTimeout = 0; // an upload takes as long as it takes; the host has its own limits
  server.on('request', (request, response) => {
    const id = request.headers[INVOCATION_HEADER];
    responses.set(id, response);
    response.on('close', () => responses.delete(id));
  });
  return server;
}

// guard returns the result of a streamed function with a body that is read no faster than the caller takes it, and that ends when the caller goes
// away. The programming model itself writes without looking.
function guard(invocationId, result) {
  const response = responses.get(invocationId);
  const body = response && typeof result === 'object' && result !== null ? result.body : undefined;
  if (!isStream(body)) return result;
  const source = open(body);
  if (Object.prototype.hasOwnProperty.call(result, 'body')) return { ...result, body: paced(source, response) };
  return Object.defineProperty(result, 'body', { value: { values: () => paced(source, response) } });
}

function isStream(body) {
  return typeof body === 'object' && body !== null && (typeof body.getReader === 'function' || typeof body[Symbol.asyncIterator] === 'function');
}

// open returns how to read from a body and how to give it up, even while a read waits.
function open(body) {
  if (typeof body.getReader === 'function') {
    const reader = body.getReader();
    return { next: () => reader.read(), cancel: () => reader.cancel() };
  }
  const iterator = body[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    cancel: () => {
      if (typeof body.destroy === 'function') body.destroy();
      else if (typeof iterator.return === 'function') return iterator.return();
    },
  };
}

async function* paced(source, response) {
  const gone = new Promise((resolve) => {
    if (response.destroyed) resolve();
    response.once('close', resolve);
  });
  let isDone = false;
  try {
    while (!response.destroyed) {
      if (response.writableNeedDrain) await Promise.race([gone, new Promise((resolve) => response.once('drain', resolve))]);
      const next = source.next();
      next.catch(() => {}); // it may fail when nobody waits for it any more
      const chunk = await Promise.race([next, gone]);
      if (chunk === undefined) return;
      if (chunk.done) {
        isDone = true;
        return;
      }
      yield chunk.value;
    }
  } finally {
    if (!isDone) Promise.resolve(source.cancel()).catch(() => {});
  }
}

// breakOff ends the response of an invocation that has failed, after what has been written of it, so that nobody takes it for whole. It reports
// whether there is a response that had begun.
function breakOff(invocationId) {
  const response = responses.get(invocationId);
  if (response === undefined || !response.headersSent) return undefined;
  response.socket.end();
  return true;
}

module.exports = { capabilities, guard, breakOff };
