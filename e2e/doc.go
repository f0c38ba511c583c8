// Package e2e tests durango as its users meet it: the built command, folders of functions, HTTP, signals, a real redis-server. It has
// tests only.
//
// The tests need node, npm and redis-server. "make test" sees to all of them; npm packages that are missing are installed here too.
package e2e
