package node

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/worker"
)

// TestUndeclaredStart: a request to start an orchestration is handed to the host even when no binding takes it, so that the host can
// warn; other undeclared values, and inputs that look alike, are not.
func TestUndeclaredStart(t *testing.T) {
	t.Parallel()
	const code = `module.exports = async (c) => {
		c.bindings.starter = [{ FunctionName: "X" }];
		c.bindings.client = { functionName: "Y" };
		c.bindings.other = { name: "X" };
	}`
	a := startApp(t, map[string]string{"Starts/index.js": code})
	fn := a.fn("Starts/index.js", "manualTrigger input", "durableClient client")
	result, err := a.invoke(fn, worker.StringValue(`{"FunctionName":"input"}`), worker.StringValue(`{"taskHubName":"H"}`))
	require.NoError(t, err)
	require.Equal(t, map[string]worker.Value{
		"starter": worker.JSONValue(json.RawMessage(`[{"FunctionName":"X"}]`)),
		"client":  worker.JSONValue(json.RawMessage(`{"functionName":"Y"}`)),
	}, result.Outputs)
}
