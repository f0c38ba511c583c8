// Package host is the program that runs an app: it wires functions, triggers, bindings, worker and task hub together, serves HTTP, and
// replaces the app when its files change. docs/architecture.md tells of its goroutines and of the order in which it stops.
//
//	         New               Start                                  Stop
//	(none) -------> Default ----------> Starting -------> Running -----------> Stopping ----> Stopped
//	                                       |                                                     ^
//	                                       +------------- failed to start ----------------------+
//
// What belongs to the user's app (functions, worker, routes, timers) is an immutable value, the app generation; a reload builds the next
// one beside it and swaps. What belongs to the host (port, keys, task hub, engine) lives from Start to Stop.
package host
