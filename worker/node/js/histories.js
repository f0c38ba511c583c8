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
const entries = new Map(); // by generation, the least recently used first
let room = 0;
let used = 0;
let dropped = [];

// Missing tells that the host relies on what is not here.
class Missing extends Error {}

function setRoom(bytes) {
  room = bytes;
}

// open makes the value. It takes the entry out of those that are kept until settle.
function open(value, attachments) {
  const text = (index) => attachments[index].toString('utf8');
  let entry = take(value.g);
  if (value.have < 0) {
    entry = { events: [], renewed: [], rest: undefined, input: value.input < 0 ? undefined : text(value.input), bytes: OVERHEAD };
    if (entry.input !== undefined) entry.bytes += 2 * entry.input.length;
  } else if (entry === undefined || entry.events.length !== value.have) {
    throw new Missing('the history is not kept');
  }
  if (value.a >= 0) entry.rest = parse(text(value.a));
  if (value.past >= 0) {
    add(entry, parse(text(value.past)));
    entry.bytes += FACTOR * attachments[value.past].length;
  }
  value.entry = entry;
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
  if (entry === undefined || fn.writesHistory || (typeof result === 'object' && result !== null && result.isDone === true)) return false;
  if (entry.events.some((event) => event.IsProcessed !== undefined)) {
    fn.writesHistory = true;
    return false;
  }
  if (entry.bytes > room) return false;
  entries.set(generation, entry);
  used += entry.bytes;
  for (const oldest of entries.keys()) {
    if (used <= room) break;
    take(oldest);
    dropped.push(oldest);
  }
  return true;
}

function take(generation) {
  const entry = entries.get(generation);
  if (entry !== undefined) {
    entries.delete(generation);
    used -= entry.bytes;
  }
  return entry;
}

// takeDropped returns the generations that were dropped to make room since it was called last, undefined for none.
function takeDropped() {
  if (dropped.length === 0) return undefined;
  const list = dropped;
  dropped = [];
  return list;
}

module.exports = { Missing, setRoom, open, settle, takeDropped };
