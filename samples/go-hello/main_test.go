package main

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/durabletest"
)

func TestHelloSequence(t *testing.T) {
	env := durabletest.New(t)
	env.Orchestrator("HelloSequence", helloSequence)
	env.Activity("SayHello", sayHello)
	// Functions of other languages are not there in a test: a closure stands for Shout.
	env.Activity("Shout", func(_ context.Context, text string) (string, error) {
		return strings.ToUpper(text), nil
	})

	greetings, err := durabletest.Output[[]string](env.Start("HelloSequence", nil))
	require.NoError(t, err)
	require.Equal(t, []string{"Hello Tokyo!", "Hello Seattle!", "HELLO LONDON!"}, greetings)
	require.Equal(t, []string{"Tokyo", "Seattle", "London"}, durabletest.Inputs[string](env, "SayHello"))
}
