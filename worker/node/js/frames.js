'use strict';
// Frames between the host and this process: host -> worker on file descriptor 3, worker -> host on 4. The layout is in docs/worker.md.

const fs = require('fs');
const net = require('net');

const READ_FD = 3;
const WRITE_FD = 4;
const MAX_FRAME = 256 * 1024 * 1024;
const PREFIX = 13; // size, type, header length, number of attachments
const BUFFER = 64 * 1024;

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

// lengthOf is the number of bytes of a part: a string or a buffer.
function lengthOf(part) {
  return typeof part === 'string' ? Buffer.byteLength(part) : part.length;
}

// Block is a buffer that frames are written into.
class Block {
  constructor(size) {
    this.data = Buffer.allocUnsafeSlow(size);
    this.length = 0;
  }

  room() {
    return this.data.length - this.length;
  }

  number(n) {
    this.length = this.data.writeUInt32LE(n, this.length);
  }

  byte(b) {
    this.data[this.length++] = b;
  }

  part(part) {
    this.length += typeof part === 'string' ? this.data.utf8Write(part, this.length) : part.copy(this.data, this.length);
  }

  written() {
    return this.data.subarray(0, this.length);
  }
}

// Connection is this process's end of the two pipes. What is sent in one turn of the event loop goes out in one write.
class Connection {
  constructor(onFrame, onEnd) {
    const splitter = new Splitter(onFrame);
    // Without a buffer of ours each read would take 64 KiB of memory, for a frame that may have a hundred bytes.
    const onread = {
      buffer: Buffer.allocUnsafeSlow(BUFFER),
      callback: (length, buffer) => {
        splitter.push(Buffer.from(buffer.subarray(0, length)));
        return true;
      },
    };
    this.input = new net.Socket({ fd: READ_FD, readable: true, writable: false, onread });
    this.input.resume();
    this.input.on('end', onEnd);
    this.input.on('error', onEnd);
    this.output = new net.Socket({ fd: WRITE_FD, readable: false, writable: true });
    this.output.on('error', onEnd);
    this.block = new Block(BUFFER);
    this.full = []; // what does not fit into the block, and what was in it before
    this.isDue = false;
    this.flush = this.flush.bind(this);
  }

  // send queues a frame. header is an object, or its JSON; attachments are strings and buffers. It throws when the frame would be larger than the
  // host takes.
  send(type, header, attachments = []) {
    const head = typeof header === 'string' ? header : JSON.stringify(header);
    const headLength = lengthOf(head);
    const lengths = attachments.map(lengthOf);
    const size = lengths.reduce((sum, length) => sum + length, PREFIX - 4 + 4 * lengths.length + headLength);
    if (size > MAX_FRAME) {
      throw new RangeError(`the data is ${size} bytes long; at most ${MAX_FRAME} bytes can be handed over in one invocation`);
    }
    if (this.block.room() < size + 4) this.renew(size + 4);
    const { block } = this;
    block.number(size);
    block.byte(type);
    block.number(headLength);
    block.number(lengths.length);
    for (const length of lengths) block.number(length);
    block.part(head);
    for (const part of attachments) block.part(part);
    if (!this.isDue) {
      this.isDue = true;
      setImmediate(this.flush);
    }
  }

  // renew puts the block aside and begins one that has room for a frame.
  renew(size) {
    if (this.block.length > 0) this.full.push(this.block.written());
    this.block = new Block(Math.max(size, BUFFER));
  }

  flush() {
    this.isDue = false;
    const { block, full } = this;
    if (full.length > 0) {
      this.full = [];
      this.output.cork();
      for (const data of full) this.output.write(data);
    }
    if (block.length > 0) this.output.write(block.written());
    if (full.length > 0) this.output.uncork();
    if (this.output.writableLength > 0 || block.data.length > BUFFER) {
      this.block = new Block(BUFFER); // the old one is still being written, or too large to keep
    } else {
      block.length = 0;
    }
  }

  // flushSync writes what is queued before the process ends. It can do nothing when an earlier write is still under way.
  flushSync() {
    if (this.output.writableLength > 0) return;
    const data = Buffer.concat([...this.full, this.block.written()]);
    this.full = [];
    this.block.length = 0;
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

module.exports = { Connection, Splitter };
