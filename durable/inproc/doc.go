// Package inproc runs orchestrators that are Go functions of this process. Package durable is what their authors see; package engine
// drives the sessions.
//
// # Model
//
// A Session is one execution of an instance in memory. Its orchestrator runs on a goroutine of its own, which stays parked between
// episodes: an episode costs its new events, not its history. A session that was evicted, or never was here, is rebuilt by replaying the
// stored history.
//
// Live or replayed, the orchestrator gets events one at a time, and only while it awaits something that is not complete:
//
//	await(task):  while task is not complete: take the next event and apply it; none left: park
//
// So what the code does between two events depends on the events before it alone, however they were divided into episodes.
//
//   - Task ids are counted in the order in which tasks are created. A scheduling event of the history belongs to the task with its id.
//   - A completion is applied when its turn comes. An external event is applied once a wait of its name exists; until then it is held
//     back, and stays with the engine as a pending event. Waits of one name get events in the order in which they were made.
//   - The clock is the OrchestratorStarted of the episode.
//
// # Goroutines and ownership
//
// The engine's partition owner calls Step, and touches the session no more until done is called; the orchestrator's goroutine touches it
// only between. Close ends the goroutine at its await, with its deferred functions run.
package inproc
