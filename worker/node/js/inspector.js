'use strict';
// The debugger's port when the app is reloaded: the process that goes gives it up, and the one that replaces it takes it.

const inspector = require('inspector');

const RETRY_AFTER = 1000;
const ATTEMPTS = 30;

// takeOver listens as node was told to with --inspect, as soon as the port is free.
function takeOver(arg, attempt = 0) {
  if (inspector.url() || attempt === ATTEMPTS) return;
  setTimeout(() => {
    const host = /=(.*):\d+$/.exec(arg);
    try {
      if (!inspector.url()) inspector.open(process.debugPort, host ? host[1] : undefined);
    } catch (err) {
      return;
    }
    takeOver(arg, attempt + 1);
  }, RETRY_AFTER).unref();
}

function giveUp() {
  if (inspector.url()) inspector.close();
}

module.exports = { takeOver, giveUp };
