// Package roles has every kind of function that is an orchestrator, and those that are none.
package roles

import (
	"context"
	"slices"
	"time"

	"github.com/durango-functions/durango/durable"
)

type In struct{}

type server struct{ started time.Time }

func (s *server) Method(o *durable.Orchestration, in In) (string, error) {
	return time.Now().String(), nil // want `orchestrator server\.Method calls time\.Now`
}

func Generic[T any](o *durable.Orchestration, in T) (T, error) {
	_ = time.Now() // want `orchestrator Generic calls time\.Now`
	return genericHelper(in), nil
}

func genericHelper[T any](in T) T {
	_ = time.Now() // want `orchestrator Generic calls genericHelper, which calls time\.Now`
	return in
}

type queue[T any] struct{}

func (q *queue[T]) pop() { _ = time.Now() } // want `orchestrator Queue calls queue\.pop, which calls time\.Now`

func Queue(o *durable.Orchestration) { (&queue[int]{}).pop() }

// second has the orchestration as its second parameter.
func second(name string, o *durable.Orchestration) {
	_ = time.Now() // want `orchestrator second calls time\.Now`
}

type context2 = durable.Orchestration

func Aliased(o *context2) {
	_ = time.Now() // want `orchestrator Aliased calls time\.Now`
}

var Variable = func(o *durable.Orchestration) {
	_ = time.Now() // want `orchestrator Variable calls time\.Now`
}

var byName = map[string]func(*durable.Orchestration){
	"a": func(o *durable.Orchestration) {
		_ = time.Now() // want `orchestrator at roles\.go:52 calls time\.Now`
	},
}

type registration struct {
	Run func(o *durable.Orchestration)
}

var registered = registration{
	Run: func(o *durable.Orchestration) {
		_ = time.Now() // want `orchestrator Run calls time\.Now`
	},
}

const name = "Named"

func main() {
	app := &durable.App{}
	app.Orchestrator("Inline", func(o *durable.Orchestration, in In) (string, error) {
		_ = time.Now() // want `orchestrator Inline calls time\.Now`
		return "", nil
	})
	app.Orchestrator(name, (func(o *durable.Orchestration) {
		helper := func() { _ = time.Now() } // want `orchestrator Named calls time\.Now`
		helper()
	}))
	assigned := func(o *durable.Orchestration) {
		_ = time.Now() // want `orchestrator assigned calls time\.Now`
	}
	app.Orchestrator("Assigned", assigned)
	app.Activity("Inline", func(ctx context.Context, in In) time.Time { return time.Now() })
	app.Activity("SayHello", sayHello)
	_ = time.Now()
}

// sayHello is an activity.
func sayHello(ctx context.Context, name string) string {
	return name + time.Now().String() + moment()
}

func moment() string { return time.Now().String() }

// byTime is handed to slices.SortFunc.
func byTime(a, b string) int {
	_ = time.Now() // want `orchestrator Activities calls byTime, which calls time\.Now`
	return 0
}

func Activities(o *durable.Orchestration, ctx context.Context, names []string) {
	o.CallActivity("SayHello", "Tokyo")
	o.CallActivity(sayHello, "Tokyo")
	durable.Call[string](o, sayHello, "Tokyo")
	retried(o, sayHello)
	inline := func(ctx context.Context) time.Time { return time.Now() }
	o.CallActivity(inline, nil)
	_ = sayHello(ctx, "Tokyo") // want `orchestrator Activities calls sayHello, which calls time\.Now at roles/roles\.go:90: each replay gets another time; call it as an activity, through the \*durable\.Orchestration`
	slices.SortFunc(names, byTime)
}

func retried(o *durable.Orchestration, activity any) { o.CallActivity(activity, nil) }

func SideEffects(o *durable.Orchestration) {
	durable.SideEffect(o, func() time.Time { return time.Now() })
	durable.SideEffect(o, moment)
	only := func() time.Time { return time.Now() }
	durable.SideEffect(o, only)
	durable.SideEffect(o, only)
	both := func() time.Time { return time.Now() } // want `orchestrator SideEffects calls time\.Now`
	durable.SideEffect(o, both)
	both()
}

// Mutual and recursive helpers end.
func Recursive(o *durable.Orchestration) { even(3) }

func even(n int) bool { return n == 0 || odd(n-1) }

func odd(n int) bool {
	_ = time.Now() // want `orchestrator Recursive calls even, which calls odd, which calls time\.Now`
	return n != 0 && even(n-1)
}

// Shared is reached from two orchestrators, and reported for the first.
func First(o *durable.Orchestration)  { shared() }
func Second(o *durable.Orchestration) { shared() }

func shared() {
	_ = time.Now() // want `orchestrator First calls shared, which calls time\.Now`
}

func Sub(o *durable.Orchestration) { Child(o) }

func Child(o *durable.Orchestration) {
	_ = time.Now() // want `orchestrator Child calls time\.Now`
}
