// Package engine advances orchestration instances: it owns partitions of a task hub, runs episodes, and commits what they decide.
// It reaches the hub through Hub and runs user code through Executor, and knows neither Redis nor workers.
//
// # Model
//
// A partition belongs to one host at a time. Its owner goroutine holds the instances in memory and is the only one to touch them. Messages from
// the inbox, outcomes of activities and due timers become arrivals of an instance. When it has some that its orchestrator can use, an
// episode replays the orchestrator over the history and shows it the arrivals; what it decides goes to the hub as one Change, atomically.
//
// # Invariants
//
//   - At most one episode or commit of an instance is under way.
//   - Memory may be ahead of the hub only by what the commit under way contains. When its outcome is unknown or it is refused, the whole partition
//     is forgotten and read anew, with a higher fencing epoch.
//   - What stands for an arrival in the hub (inbox message, outstanding activity, timer, pending event) is removed by the very commit whose
//     history holds it.
//
// docs/engine.md tells the whole story.
package engine
