package host

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/hostjson"
	"github.com/durango-functions/durango/worker/gofunc"
)

// BenchmarkGoActivity is the whole path of an activity in Go, from the engine's call to the handler and back, when nothing is logged.
func BenchmarkGoActivity(b *testing.B) {
	levels := NewLogLevels(nil)
	levels.set(hostjson.Logging{LogLevel: map[string]slog.Level{"default": slog.LevelWarn}})
	fn := &functions.Function{
		Name: "SayHello", Language: functions.Go, Handler: "SayHello",
		Bindings: []functions.Binding{{Name: "input", Type: "activityTrigger", Direction: functions.In}},
	}
	ch := gofunc.New(gofunc.Config{Registrations: []gofunc.Registration{{
		Code: functions.Code{Name: "SayHello"},
		Bind: func(string) (*gofunc.Handler, error) {
			return gofunc.Activity(func(_ context.Context, name string) (string, error) { return "Hello " + name + "!", nil })
		},
	}}})
	if err := ch.Load(b.Context(), fn); err != nil {
		b.Fatal(err)
	}
	logger := NewLogger(io.Discard, TextLog, levels)
	a := newApp(1)
	a.functions = &functions.App{Functions: []*functions.Function{fn}}
	a.goCode, a.invoker = ch, &invoker{channel: ch, timeout: 30 * time.Minute, logger: logger}
	a.index()
	x := &executor{
		acquire: func() *app {
			a.acquire()
			return a
		},
		logger: logger,
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	work := &engine.ActivityWork{Name: "SayHello", InstanceID: "i", Input: json.RawMessage(`"Tokyo"`)}
	defer func() { _ = ch.Stop(context.Background()) }()
	b.ReportAllocs()
	for b.Loop() {
		if out, err := x.ExecuteActivity(ctx, work); err != nil || string(out) != `"Hello Tokyo!"` {
			b.Fatal(string(out), err)
		}
	}
}
