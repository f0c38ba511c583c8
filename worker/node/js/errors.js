'use strict';
// What was thrown, as message and stack.

const { isNativeError } = require('util').types;

// toError makes an Error of anything that can be thrown (azure-functions-nodejs-worker src/errors.ts).
function toError(thrown) {
  if (thrown instanceof Error || isNativeError(thrown)) return thrown;
  let message;
  if (thrown === undefined || thrown === null) {
    message = 'Unknown error';
  } else if (typeof thrown === 'string') {
    message = thrown;
  } else if (typeof thrown === 'object') {
    try {
      message = JSON.stringify(thrown);
    } catch (err) {
      message = String(thrown);
    }
  } else {
    message = String(thrown);
  }
  const error = new Error(message);
  error.stack = undefined; // it would show this file, not the place of the throw
  return error;
}

// describe returns the message and the stack as strings; frames of this worker are left out of the stack. Nothing that a
// hostile error object does may throw here.
function describe(thrown) {
  try {
    const error = toError(thrown);
    const message = typeof error.message === 'string' ? error.message : String(error.message);
    return { message, stack: cleanStack(error.stack) };
  } catch (err) {
    return { message: 'Unknown error', stack: '' };
  }
}

function cleanStack(stack) {
  if (typeof stack !== 'string') return '';
  if (!stack.includes(__filename)) return stack;
  return stack.split('\n').filter((line) => !line.includes(__filename)).join('\n');
}

module.exports = { toError, describe, cleanStack };
