// Package gofunc is the worker channel of functions that are Go code of this process: an invocation is a call, on a goroutine of its own, and
// there is no worker process.
//
// A handler ends when it returns: no one can end it from outside. When the context of an invocation ends, because of functionTimeout or because
// the host stops, the handler has a moment to return; after that the invocation is given up with the cause of its context, and a line in
// the log says that the handler goes on. Handlers of HTTP requests are waited for in any case, since they hold the connection.
package gofunc
