// Package settings has variables that others use.
package settings

var Limit = 3 // want Limit:`written at settings/settings\.go:9`

var Fixed = 4

// Load sets the limit.
func Load() { Limit = 5 } // want Load:`writes the package variable Limit at settings/settings\.go:9`
