// Package manual runs functions by hand, whatever their trigger: for the admin API, and with it for "durango run".
package manual

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	httptrigger "github.com/durango-functions/durango/triggers/http"
	"github.com/durango-functions/durango/worker"
)

// reason is what the log says of an invocation by hand (as azure-functions-host does).
const reason = "This function was programmatically called via the host APIs."

// TriggerValue returns the trigger value for a function and an input, nil for none: the text for most triggers. A timer gets a time that
// is neither scheduled nor past due, and no use is made of the input. The functions of orchestrators and entities make no sense by
// themselves; the error says how to start them. HTTP functions are not for TriggerValue: see NewEvent.
func TriggerValue(fn *functions.Function, input *string) (worker.Value, error) {
	trigger := fn.Trigger()
	if trigger == nil {
		return worker.Value{}, fmt.Errorf("function %s has no trigger", fn.Name)
	}
	switch strings.ToLower(trigger.Type) {
	case "timertrigger":
		return worker.JSONValue(json.RawMessage(`{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}`)), nil
	case "orchestrationtrigger":
		return worker.Value{}, fmt.Errorf("function %s is an orchestrator, which only the task hub can run: start an orchestration with "+
			"POST /runtime/webhooks/durabletask/orchestrators/%[1]s and the input as the body", fn.Name)
	case "entitytrigger":
		return worker.Value{}, fmt.Errorf("function %s is an entity, which only the task hub can run", fn.Name)
	}
	if input == nil {
		return worker.Value{}, nil
	}
	return worker.StringValue(*input), nil
}

// NewEvent makes the event of running a function by hand. An HTTP function gets a POST request to target with the input as its body; the
// others get the value that trigger makes.
func NewEvent(fn *functions.Function, input *string, target string, trigger func(*functions.Function, *string) (worker.Value, error)) (triggers.Event, error) {
	var text []byte
	if input != nil {
		text = []byte(*input)
	}
	if t := fn.Trigger(); t != nil && strings.EqualFold(t.Type, httptrigger.TriggerType) {
		ev := httptrigger.ManualEvent(fn, target, text)
		ev.Reason = reason
		return ev, nil
	}
	value, err := trigger(fn, input)
	if err != nil {
		return triggers.Event{}, err
	}
	return triggers.Event{Value: value, Metadata: triggers.ObjectFields(text), Reason: reason}, nil
}
