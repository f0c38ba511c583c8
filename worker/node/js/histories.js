'use strict';
// The value of an orchestrationTrigger, most of which is what it was in the episode before: the events of the history are kept, parsed, under
// the generation that the host gives them, and so are the text of the input and the rest of the value. The host sends what is new.
//
// The packages durable-functions 2.x and 3.x make Dates of the events' timestamps, in place, and read them otherwise. What their users can get
// hold of and change is made anew for each episode. Version 1.x writes into the events; its histories are not kept.

const ORCHESTRATOR_STARTED = 12;
const OVERHEAD = 2048; // bytes of an entry without its events and input
const FACTOR = 4; // a parsed event takes about that much more than its text

const parse = JSON.parse;
// entries are by generation. They stay in their place as long as they are kept: a Map in which they came and went with each episode would hold
// on to old ones in the tables that it has outgrown.
const entries = new Map();
let room = 0;
let used = 0;
let clock = 0;
let dropped = [];

// Missing tells that the host relies on what is not here.
class Missing extends Error {}

function setRoom(bytes) {
  room = bytes;
}

// open makes the value. Its entry is in use until settle or drop.
function open(value, attachments) {
  const text = (index) => attachments[index].toString('utf8');
  let entry = entries.get(value.g);
  if (value.have < 0) {
    if (entry !== undefined) remove(value.g, entry);
    entry = {
      events: [], renewed: [], rest: undefined, input: value.input < 0 ? undefined : text(value.input),
      bytes: OVERHEAD, counted: 0, isUsed: false, usedAt: 0,
    };
    if (entry.input !== undefined) entry.bytes += 2 * entry.input.length;
  } else if (entry === undefined || entry.isUsed || entry.events.length !== value.have) {
    throw new Missing('the history is not kept');
  }
  entry.isUsed = true;
  value.entry = entry;
  if (value.a >= 0) entry.rest = parse(text(value.a));
  if (value.past >= 0) {
    add(entry, parse(text(value.past)));
    entry.bytes += FACTOR * attachments[value.past].length;
  }
  const trigger = { ...entry.rest };
  trigger.history = historyOf(entry);
  if (value.new >= 0) for (const event of parse(text(value.new))) trigger.history.push(event);
  trigger.input = entry.input === undefined ? null : parse(entry.input);
  return trigger;
}

function add(entry, events) {
  for (const event of events) {
    if (needsRenewal(event)) entry.renewed.push(entry.events.length);
    entry.events.push(event);
  }
}

// needsRenewal: the orchestrator can change context.df.currentUtcDateTime, which is the Timestamp of an OrchestratorStarted itself, and what a failure says.
function needsRenewal(event) {
  return event.EventType === ORCHESTRATOR_STARTED || (typeof event.FailureDetails === 'object' && event.FailureDetails !== null);
}

function historyOf(entry) {
  const history = entry.events.slice();
  for (const i of entry.renewed) {
    const event = history[i];
    history[i] = event.EventType === ORCHESTRATOR_STARTED ? { ...event } : parse(JSON.stringify(event));
  }
  return history;
}

// settle keeps the history of an episode that has had a result, and tells whether it is kept.
function settle(fn, value, result) {
  const { entry, g: generation } = value;
  if (entry === undefined) return false;
  const known = entries.get(generation);
  if (known !== undefined && known !== entry) return false; // it was given up, and another invocation has taken its place
  const hasEnded = typeof result === 'object' && result !== null && result.isDone === true;
  if (!hasEnded && !fn.writesHistory && entry.events.some((event) => event.IsProcessed !== undefined)) fn.writesHistory = true;
  if (hasEnded || fn.writesHistory || entry.bytes > room) {
    if (known !== undefined) remove(generation, entry);
    return false;
  }
  if (known === undefined) entries.set(generation, entry);
  used += entry.bytes - entry.counted;
  entry.counted = entry.bytes;
  entry.isUsed = false;
  entry.usedAt = ++clock;
  if (used > room) makeRoom(entry);
  return true;
}

// drop forgets the history of an episode that has failed.
function drop(value) {
  if (value.entry !== undefined && entries.get(value.g) === value.entry) remove(value.g, value.entry);
}

// makeRoom drops what was not used for longest, and somewhat more than it must, so that it need not look at all of them each time.
function makeRoom(latest) {
  const idle = [...entries].filter(([, entry]) => !entry.isUsed && entry !== latest).sort(([, a], [, b]) => a.usedAt - b.usedAt);
  for (const [generation, entry] of idle) {
    if (used <= 0.9 * room) break;
    remove(generation, entry);
    dropped.push(generation);
  }
}

function remove(generation, entry) {
  entries.delete(generation);
  used -= entry.counted;
}

// takeDropped returns the generations that were dropped to make room since it was called last, undefined for none.
function takeDropped() {
  if (dropped.length === 0) return undefined;
  const list = dropped;
  dropped = [];
  return list;
}

module.exports = { Missing, setRoom, open, settle, drop, takeDropped };
