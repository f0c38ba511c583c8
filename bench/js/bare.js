'use strict';
// The SDK alone: the six episodes of HelloSequence5, on histories that are there already, in a loop. It is told the folder of an app and a number of
// orchestrations, and prints {version, orchestrations, seconds, cpuMicros}.

const path = require('path');
const { createRequire } = require('module');

const [app, count] = [path.resolve(process.argv[2]), Number(process.argv[3])];
const load = createRequire(path.join(app, 'app'));
const folder = path.dirname(load.resolve('durable-functions/package.json'));
const { version } = load('durable-functions/package.json');
const isV4 = Number(version.split('.')[0]) >= 3;

const CITIES = ['Tokyo', 'Seattle', 'London', 'Lima', 'Lagos'];

function* orchestrator(context) {
  const output = [];
  for (const city of CITIES) output.push(yield context.df.callActivity('SayHello', city));
  return output;
}

// episode runs one and returns the orchestration's state.
const episode = isV4 ? episodeOfV4() : episodeOfV3();

function episodeOfV3() {
  const handler = load('durable-functions').orchestrator(orchestrator);
  return (trigger) => new Promise((resolve, reject) => {
    const context = { bindings: { context: trigger }, done: (err, result) => (err ? reject(err) : resolve(result)) };
    handler(context).catch(reject);
  });
}

function episodeOfV4() {
  const { Orchestrator } = load(path.join(folder, 'lib/src/orchestrations/Orchestrator.js'));
  const handler = new Orchestrator(orchestrator).listen();
  return (trigger) => handler(trigger, {});
}

const ID = '0123456789abcdef0123456789abcdef';
const event = (type, id, isPlayed, more) => ({ EventType: type, EventId: id, IsPlayed: isPlayed, Timestamp: '2026-11-24T01:02:03.1234567Z', ...more });

// history is that of the episode in which n activities are complete.
function history(n) {
  const events = [event(12, -1, n > 0), event(0, -1, n > 0, {
    OrchestrationInstance: { InstanceId: ID, ExecutionId: ID }, ParentInstance: null, Name: 'HelloSequence5', Version: '', Input: null, Tags: null,
    Correlation: null, ScheduledStartTime: null,
  })];
  for (let i = 0; i < n; i++) {
    const isPlayed = i < n - 1;
    events.push(
      event(4, i, true, { Name: 'SayHello', Version: '', Input: JSON.stringify(CITIES[i]) }), event(13, -1, true),
      event(12, -1, isPlayed), event(5, -1, isPlayed, { TaskScheduledId: i, Result: JSON.stringify(`Hello ${CITIES[i]}!`) }));
  }
  return events;
}

const triggers = JSON.stringify([0, 1, 2, 3, 4, 5].map((n) => ({
  history: history(n), input: null, instanceId: ID, isReplaying: n > 0, parentInstanceId: null, upperSchemaVersion: 1, upperSchemaVersionNew: 2,
  longRunningTimerIntervalDuration: '3.00:00:00', maximumShortTimerDuration: '36500.00:00:00', defaultHttpAsyncRequestSleepTimeMillseconds: 30000,
})));

async function main() {
  const BATCH = 200;
  const total = { seconds: 0, cpuMicros: 0 };
  let done = 0;
  for (let batch = -Math.ceil(2000 / BATCH); done < count; batch++) { // it warms up until it counts
    const prepared = Array.from({ length: BATCH }, () => JSON.parse(triggers));
    const [began, cpu] = [process.hrtime.bigint(), process.cpuUsage()];
    let state;
    for (const orchestration of prepared) {
      for (const trigger of orchestration) state = await episode(trigger);
    }
    const used = process.cpuUsage(cpu);
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    if (!state.isDone || state.output.length !== CITIES.length) throw new Error(`the output is ${JSON.stringify(state)}`);
    if (batch < 0) continue;
    done += BATCH;
    total.seconds += seconds;
    total.cpuMicros += used.user + used.system;
  }
  console.log(JSON.stringify({ version, orchestrations: done, ...total }));
}

main();
