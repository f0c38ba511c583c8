package node

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/worker"
)

func TestActivityAnswers(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"Hello/index.js": `module.exports = function (context, name) {
		context.log("greeting", name);
		context.done(null, "Hello " + name + "!");
	};`})
	fn := activity(a, "Hello/index.js")
	require.NoError(t, a.ch.Load(ctxFor(t), fn))
	result, err := a.invoke(fn, worker.StringValue(`"Ann"`))
	require.NoError(t, err)
	require.Equal(t, worker.StringValue("Hello Ann!"), result.ReturnValue)
	require.Regexp(t, `^v\d+\.`, a.ch.NodeVersion())
}
