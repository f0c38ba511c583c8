package main

import (
	"errors"
	"slices"
	"time"

	"github.com/durango-functions/durango/durable"
)

// patient is the retry policy of what talks to others, who may be away for a while: attempts after 2, 4, 8 and 16 s.
var patient = durable.RetryPolicy{FirstInterval: 2 * time.Second, MaxAttempts: 5, BackoffCoefficient: 2}

// saga is what has been done, and how it is undone. It is a local variable of its orchestrator: replays fill it again.
type saga struct {
	o     *durable.Orchestration
	steps []step
}

// step is an activity that undoes something.
type step struct {
	activity string
	input    any
}

func (s *saga) undoBy(activity string, input any) {
	s.steps = append(s.steps, step{activity, input})
}

// undo undoes all, the last step first. A step that cannot be undone keeps no other from it.
func (s *saga) undo() error {
	var failures []error
	for _, st := range slices.Backward(s.steps) {
		if err := stage(s.o, "undoing: %s", st.activity); err != nil {
			failures = append(failures, err)
		}
		if _, err := durable.CallActivity[any](s.o, st.activity, st.input, durable.WithRetry(patient)).Await(); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(append(failures, stage(s.o, "undone"))...)
}
