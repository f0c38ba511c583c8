//go:build !race

package e2e

// withRace says that the tests run with the race detector: the apps in Go are built with it as well.
const withRace = false
