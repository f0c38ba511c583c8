// Package durango measures durango through its Go API: host, orchestrators and client in this process.
package durango

// Name is the engine's name in reports.
const Name = "durango"
