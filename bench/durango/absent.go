//go:build !durango_api

package durango

import "github.com/durango-functions/durango/bench/engine"

// Kind says that durango is not measured by a program built without its Go API.
func Kind() engine.Kind {
	return engine.Kind{Name: Name, About: "durango", Redis: true, Absent: "this program was built without the tag durango_api"}
}
