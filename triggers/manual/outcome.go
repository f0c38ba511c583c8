package manual

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/durango-functions/durango/functions"
	httptrigger "github.com/durango-functions/durango/triggers/http"
	"github.com/durango-functions/durango/worker"
)

// The values of Outcome.Status.
const (
	Succeeded = "Succeeded"
	Failed    = "Failed"
)

// Outcome tells how a function that was run by hand has ended.
type Outcome struct {
	FunctionName string `json:"functionName"`
	InvocationID string `json:"invocationId"`
	Status       string `json:"status"`
	DurationMS   int64  `json:"durationMs"`
	// Output is the return value; of an HTTP function the response, as {"status", "headers", "body"}. nil: nothing.
	Output json.RawMessage `json:"output,omitempty"`
	// Error is the message of a failure.
	Error string `json:"error,omitempty"`
}

func newOutcome(fn *functions.Function, id string, took time.Duration, result *worker.Result, err error) Outcome {
	o := Outcome{FunctionName: fn.Name, InvocationID: id, Status: Succeeded, DurationMS: took.Milliseconds()}
	if err == nil {
		o.Output, err = outputOf(fn, result)
	}
	if err != nil {
		o.Status, o.Error = Failed, err.Error()
		var userErr *worker.FunctionError
		if errors.As(err, &userErr) {
			o.Error = userErr.Message
		}
	}
	return o
}

func outputOf(fn *functions.Function, result *worker.Result) (json.RawMessage, error) {
	if result == nil {
		return nil, nil
	}
	if t := fn.Trigger(); t == nil || !strings.EqualFold(t.Type, httptrigger.TriggerType) {
		return jsonOf(result.ReturnValue)
	}
	resp, err := httptrigger.Response(fn, result)
	if err != nil {
		return nil, err
	}
	return responseJSON(resp)
}

func responseJSON(resp *worker.HTTPResponse) (json.RawMessage, error) {
	body, err := jsonOf(resp.Body)
	if err != nil {
		return nil, err
	}
	headers := maps.Clone(resp.Headers)
	for name, values := range resp.Header {
		if headers == nil {
			headers = map[string]string{}
		}
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	status, err := httptrigger.StatusCode(resp.Status)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers,omitempty"`
		Body    json.RawMessage   `json:"body,omitempty"`
	}{status, headers, body})
}

// jsonOf returns a value as JSON: text as a string, bytes in base64, nil for nothing.
func jsonOf(v worker.Value) (json.RawMessage, error) {
	switch v.Kind {
	case worker.None:
		return nil, nil
	case worker.JSON:
		if json.Valid(v.Data) {
			return v.Data, nil
		}
	case worker.Bytes:
		return json.Marshal(v.Data)
	case worker.HTTP:
		if v.Response == nil {
			return nil, nil
		}
		return responseJSON(v.Response)
	case worker.String, worker.Orchestration: // the latter goes to workers only
	}
	return json.Marshal(string(v.Data))
}
