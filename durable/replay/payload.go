package replay

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// DefaultHTTPSleep is the time between two polls of callHttp when the answer names none
// (azure-functions-durable-extension Options/HttpOptions.cs:19).
const DefaultHTTPSleep = 30 * time.Second

// PayloadInput is what the value of an orchestrationTrigger is made of.
type PayloadInput struct {
	History          []byte          // JSON array of the history events
	Input            json.RawMessage // nil: none
	InstanceID       string
	ParentInstanceID string // "": none
	IsReplaying      bool
	// HTTPSleep is Config.DefaultHTTPSleep; 0: DefaultHTTPSleep. The host and the SDK must agree on it.
	HTTPSleep time.Duration
}

// BuildPayload appends the JSON text that an orchestrator function is invoked with
// (azure-functions-durable-extension Bindings/OrchestrationTriggerAttributeBindingProvider.cs:219-242).
//
// The highest schema version offered is 3, that of durable-functions 3.5; earlier generations take the highest that they know. The limit of a single timer is a century, so that the SDK never splits one into a chain.
func BuildPayload(dst []byte, in PayloadInput) []byte {
	sleep := in.HTTPSleep
	if sleep <= 0 {
		sleep = DefaultHTTPSleep
	}
	dst = slices.Grow(dst, 400+len(in.History)+len(in.Input))
	dst = append(dst, `{"history":`...)
	dst = appendRaw(dst, in.History, "[]")
	dst = append(dst, `,"input":`...)
	dst = appendRaw(dst, in.Input, "null")
	dst = append(dst, `,"instanceId":`...)
	dst = appendText(dst, in.InstanceID)
	dst = append(dst, `,"isReplaying":`...)
	dst = strconv.AppendBool(dst, in.IsReplaying)
	dst = append(dst, `,"parentInstanceId":`...)
	if in.ParentInstanceID == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendText(dst, in.ParentInstanceID)
	}
	dst = append(dst, `,"upperSchemaVersion":1,"upperSchemaVersionNew":3`...)
	dst = append(dst, `,"longRunningTimerIntervalDuration":"3.00:00:00","maximumShortTimerDuration":"36500.00:00:00"`...)
	dst = append(dst, `,"defaultHttpAsyncRequestSleepTimeMillseconds":`...) // the contract's spelling
	dst = strconv.AppendInt(dst, max(sleep.Milliseconds(), 1), 10)
	return append(dst, '}')
}

func appendRaw(dst, raw []byte, none string) []byte {
	if len(raw) == 0 {
		return append(dst, none...)
	}
	return append(dst, raw...)
}

func appendText(dst []byte, s string) []byte {
	raw, err := json.Marshal(s)
	if err != nil { // strings always have a JSON form
		return append(dst, `""`...)
	}
	return append(dst, raw...)
}
