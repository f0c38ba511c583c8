'use strict';
// Frames between the host and this process: host -> worker on file descriptor 3, worker -> host on 4. The layout is in docs/worker.md.

const fs = require('fs');
const net = require('net');

const READ_FD = 3;
const WRITE_FD = 4;
const MAX_FRAME = 256 * 1024 * 1024;
const PREFIX = 13; // size, type, header length, number of attachments
const JOIN_BELOW = 64 * 1024;

// A Frame that was received: its type, its header as an object, and its attachments as views of what was read.
class Frame {
  constructor(buf, start, end) {
    this.type = buf[start];
    const headerLength = buf.readUInt32LE(start + 1);
    const count = buf.readUInt32LE(start + 5);
    let at = start + 9;
    const lengths = [];
    for (let i = 0; i < count; i++, at += 4) lengths.push(buf.readUInt32LE(at));
    this.header = JSON.parse(buf.toString('utf8', at, at + headerLength));
    at += headerLength;
    this.attachments = lengths.map((length) => {
      const part = buf.subarray(at, at + length);
      at += length;
      return part;
    });
    if (at !== end) throw new Error(`frame of type ${this.type} ends at ${at} instead of ${end}`);
  }
}

// Splitter cuts a stream of chunks into frames. A frame that spans chunks is joined once, when it is complete.
class Splitter {
  constructor(onFrame) {
    this.onFrame = onFrame;
    this.parts = [];
    this.have = 0;
    this.need = 0;
  }

  push(chunk) {
    if (this.have > 0) {
      this.parts.push(chunk);
      this.have += chunk.length;
      if (this.have < this.need) return;
      chunk = Buffer.concat(this.parts, this.have);
      this.parts = [];
      this.have = 0;
    }
    let at = 0;
    this.need = 4;
    while (chunk.length - at >= 4) {
      const end = at + 4 + chunk.readUInt32LE(at);
      if (end > chunk.length) {
        this.need = end - at;
        break;
      }
      this.onFrame(new Frame(chunk, at + 4, end));
      at = end;
    }
    if (at < chunk.length) {
      this.parts = [chunk.subarray(at)];
      this.have = chunk.length - at;
    }
  }
}

// encode makes the buffers of one frame. It throws when the frame would be larger than the host takes.
function encode(type, header, attachments) {
  const head = Buffer.from(JSON.stringify(header));
  let size = PREFIX - 4 + 4 * attachments.length + head.length;
  for (const part of attachments) size += part.length;
  if (size > MAX_FRAME) {
    throw new RangeError(`the data is ${size} bytes long; at most ${MAX_FRAME} bytes can be handed over in one invocation`);
  }
  const prefix = Buffer.allocUnsafe(PREFIX + 4 * attachments.length);
  prefix.writeUInt32LE(size, 0);
  prefix[4] = type;
  prefix.writeUInt32LE(head.length, 5);
  prefix.writeUInt32LE(attachments.length, 9);
  attachments.forEach((part, i) => prefix.writeUInt32LE(part.length, PREFIX + 4 * i));
  return [prefix, head, ...attachments];
}

// Connection is this process's end of the two pipes. What is sent in one turn of the event loop goes out in one write.
class Connection {
  constructor(onFrame, onEnd) {
    const splitter = new Splitter(onFrame);
    this.input = new net.Socket({ fd: READ_FD, readable: true, writable: false });
    this.input.on('data', (chunk) => splitter.push(chunk));
    this.input.on('end', onEnd);
    this.input.on('error', onEnd);
    this.output = new net.Socket({ fd: WRITE_FD, readable: false, writable: true });
    this.output.on('error', onEnd);
    this.queue = [];
    this.queued = 0;
    this.flush = this.flush.bind(this);
  }

  send(type, header, attachments = []) {
    const buffers = encode(type, header, attachments);
    if (this.queue.length === 0) setImmediate(this.flush);
    for (const buf of buffers) {
      this.queue.push(buf);
      this.queued += buf.length;
    }
  }

  flush() {
    const { queue, queued } = this;
    if (queue.length === 0) return;
    this.queue = [];
    this.queued = 0;
    if (queued <= JOIN_BELOW) {
      this.output.write(Buffer.concat(queue, queued));
      return;
    }
    this.output.cork();
    for (const buf of queue) this.output.write(buf);
    this.output.uncork();
  }

  // flushSync writes what is queued before the process ends. It can do nothing when an earlier write is still under way.
  flushSync() {
    if (this.queue.length === 0 || this.output.writableLength > 0) return;
    const data = Buffer.concat(this.queue, this.queued);
    this.queue = [];
    this.queued = 0;
    const deadline = Date.now() + 1000;
    for (let at = 0; at < data.length && Date.now() < deadline; ) {
      try {
        at += fs.writeSync(WRITE_FD, data, at);
      } catch (err) {
        if (err.code !== 'EAGAIN') return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  }
}

module.exports = { Connection, Splitter, encode };
