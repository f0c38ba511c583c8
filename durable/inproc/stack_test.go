package inproc_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/inproc"
)

//go:noinline
func blockHere(c chan struct{}) { <-c }

func TestWhereIs(t *testing.T) {
	t.Parallel()
	c := make(chan struct{})
	running := inproc.New(program(func(*inproc.Session) { blockHere(c) }).function(), inproc.Start{InstanceID: "where?"})
	parked := newRig(t, program(func(s *inproc.Session) { s.Await(s.Wait("E")) }).function())
	parked.start.InstanceID = "where?"
	parked.step()
	require.Empty(t, inproc.WhereIs("where?"), "it waits in its session")

	done := make(chan *inproc.Outcome, 1)
	running.Step(&inproc.Step{Now: epoch}, func(out *inproc.Outcome) { done <- out })
	var where string
	require.Eventually(t, func() bool { where = inproc.WhereIs("where?"); return where != "" }, patience, time.Millisecond)
	first, _, _ := strings.Cut(where, "\n")
	require.Contains(t, first, "at github.com/durango-functions/durango/durable/inproc_test.blockHere (")
	require.Contains(t, first, "stack_test.go:")
	require.NotContains(t, where, "inproc.(*Session)")
	require.Empty(t, inproc.WhereIs("where"), "another instance")
	close(c)
	<-done
	gone(t, running)
	require.Empty(t, inproc.WhereIs("where?"))
}

func TestWhereIsInASideEffect(t *testing.T) {
	t.Parallel()
	c := make(chan struct{})
	s := inproc.New(program(func(s *inproc.Session) {
		_, _ = s.SideEffect(func() (json.RawMessage, error) { blockHere(c); return nil, nil })
	}).function(), inproc.Start{InstanceID: "effect"})
	s.Step(&inproc.Step{Now: epoch}, func(*inproc.Outcome) {})
	require.Eventually(t, func() bool { return strings.Contains(inproc.WhereIs("effect"), "blockHere") }, patience, time.Millisecond)
	close(c)
	gone(t, s)
}

func TestShortStack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ stack, want string }{
		"none":     {"", ""},
		"no panic": {"goroutine 1 [running]:\nmain.main()\n\t/app/main.go:3 +0x1d\n", ""},
		"the user's frames end at the session": {
			"goroutine 7 [running]:\nruntime/debug.Stack()\n\t/go/stack.go:24 +0x5e\nx/durable/inproc.(*Session).run.func1()\n\t/x/session.go:9 +0x1\n" +
				"panic({0x1?, 0x2?})\n\t/go/panic.go:787 +0x132\nmain.charge(...)\n\t/app/order.go:12\nmain.Order(0xc0)\n\t/app/order.go:30 +0x44\n" +
				"reflect.Value.Call({0x1})\n\t/go/value.go:1 +0x2\nx/durable/inproc.(*Session).run()\n\t/x/session.go:8 +0x3\n",
			"at main.charge (/app/order.go:12)\nat main.Order (/app/order.go:30)",
		},
		"a panic in a deferred function shows where it began": {
			"goroutine 7 [running]:\npanic({0x1})\n\t/go/panic.go:7 +0x1\nmain.second()\n\t/app/b.go:2 +0x2\npanic({0x1})\n\t/go/panic.go:7 +0x1\n" +
				"main.first()\n\t/app/a.go:1 +0x1\n",
			"at main.first (/app/a.go:1)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, inproc.ShortStack([]byte(c.stack)))
		})
	}
}
