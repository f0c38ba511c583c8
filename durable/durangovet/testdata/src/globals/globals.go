// Package globals has orchestrators that use package variables.
package globals

import (
	"encoding/json"
	"errors"
	"regexp"
	"sync"
	"sync/atomic"

	"globals/settings"

	"github.com/durango-functions/durango/durable"
)

var (
	counter int
	total   atomic.Int64
	old     int64
	cache   = map[string]int{}
	results sync.Map
	config  struct{ limit int }
	parsed  struct{ limit int }
	app     *durable.App
)

// Never written but where they are declared, in init, or by a test.
var (
	errNone = errors.New("none")
	pattern = regexp.MustCompile("a+")
	names   = []string{"a"}
	table   map[string]int
)

func init() {
	table = map[string]int{"a": 1}
	table["b"] = 2
}

func main() {
	app = &durable.App{}
	config.limit = 3
	_ = json.Unmarshal(nil, &parsed)
}

func Writes(o *durable.Orchestration, in string) {
	counter++                // want `orchestrator Writes writes the package variable counter: it is not in the history, and every instance on the host has the same one; use a local variable`
	cache[in] = len(in)      // want `writes the package variable cache`
	delete(cache, in)        // want `writes the package variable cache`
	total.Add(1)             // want `writes the package variable total`
	atomic.AddInt64(&old, 1) // want `writes the package variable old`
	results.Store(in, 1)     // want `writes the package variable results`
	settings.Fixed = 1       // want `writes the package variable settings\.Fixed`
	counter = counter + 1    // want `writes the package variable counter`
	note()
}

func note() {
	config = struct{ limit int }{} // want `orchestrator Writes calls note, which writes the package variable config`
}

func Reads(o *durable.Orchestration) int {
	if v, ok := cache["a"]; ok { // want `orchestrator Reads reads the package variable cache, which globals\.go:48 writes: a replay may see another value; pass it as input, or record it with durable\.SideEffect`
		return v
	}
	_ = parsed.limit    // want `reads the package variable parsed, which globals\.go:43 writes`
	_ = settings.Limit  // want `reads the package variable settings\.Limit, which settings/settings\.go:9 writes`
	return config.limit // want `reads the package variable config, which globals\.go:42 writes`
}

func Fine(o *durable.Orchestration, counter int) error {
	counter++
	local := map[string]int{}
	local["a"] = table["a"]
	for _, n := range names {
		if pattern.MatchString(n) && settings.Fixed == 4 {
			return errNone
		}
	}
	return nil
}
