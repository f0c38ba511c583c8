// Package node runs the functions of an app in Node.js, through a worker script that is embedded in the binary. The app needs no
// package of ours, only node 18 or newer.
//
// # Model
//
// A Channel has one slot per process that was asked for. Each slot keeps one process alive: when it ends, the invocations in it fail
// with a *worker.CrashError, and after a delay that grows with repeated ends another one is started, which loads the functions that
// the channel knows before it gets invocations. In a process all invocations share one event loop.
//
//	         spawn            ready, functions loaded            exit
//	stopped -------> starting ------------------------> running ------> waiting (backoff) --> starting ...
//	                    |                                  |  Recycle: a new process runs first, then the old one
//	                    | exit: counts as a failed start   v  drains and ends
//	                    v                               draining --> ended
//	                 waiting
//
// # Goroutines
//
// Per slot: slot.run. Per process: the writer and the reader of frames, one reader each of stdout and stderr, and process.wait, which
// ends the others and is the last to go. Per Recycle: one that waits for the old process. Channel.Stop waits for all of them.
//
// The frames, and the life of a process in detail, are in docs/worker.md.
package node
