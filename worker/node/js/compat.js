'use strict';
// What newer versions of node have removed and the durable-functions packages before 3.x still use.

const util = require('util');

// createTimer calls util.isDate, which went with node 23.
if (util.isDate === undefined) {
  Object.defineProperty(util, 'isDate', { value: util.types.isDate, writable: true, configurable: true });
}
