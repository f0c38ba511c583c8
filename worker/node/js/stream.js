'use strict';
// HTTP streaming: the programming model opens an HTTP server in this process, to which the host forwards requests as they come.

const http = require('http');

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
    // The model writes a response without looking whether anybody is there. When nobody is, its loop and the app's stream are to end.
    response.on('close', () => {
      if (response.writableFinished) return;
      response.write = () => { throw new Error('The client has closed the connection.'); };
    });
  });
  return server;
}

module.exports = { capabilities };
