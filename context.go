package durango

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/management"
	gofuncs "github.com/durango-functions/durango/internal/gofunc"
	"github.com/durango-functions/durango/worker/gofunc"
)

// Client returns the client of the host's task hub, which starts and manages orchestrations. It is nil when ctx is none of a function's
// invocation.
func Client(ctx context.Context) *durable.Client {
	if c := gofunc.FromContext(ctx); c != nil {
		return c.Client()
	}
	return nil
}

// InvocationID returns the ID of the invocation that ctx belongs to, as the log names it; "" for none.
func InvocationID(ctx context.Context) string {
	if c := gofunc.FromContext(ctx); c != nil {
		return c.InvocationID()
	}
	return ""
}

// Logger returns the logger for a function's own lines. They carry the function's name and the invocation ID, and have the category
// "Function.<name>.User" for the levels of host.json. Outside of an invocation it is slog.Default().
func Logger(ctx context.Context) *slog.Logger {
	if c := gofunc.FromContext(ctx); c != nil {
		return c.Logger()
	}
	return slog.Default()
}

var errNoInvocation = errors.New("the context is none of a function's invocation")

// Input returns the value of an input binding of the function. Text is returned as it is for a string or []byte, and otherwise read as JSON;
// a value that is not there, such as a missing key of Redis, is the zero value, nil for a *string. The error tells that there is no such
// binding, or that the value does not fit T.
func Input[T any](ctx context.Context, binding string) (T, error) {
	var v T
	c := gofunc.FromContext(ctx)
	if c == nil {
		return v, fmt.Errorf("input binding %q: %w", binding, errNoInvocation)
	}
	err := c.Input(binding, &v)
	return v, err
}

// SetOutput gives an output binding of the function its value, in place of one that it had. A string and []byte are taken as they are,
// everything else as JSON. What the binding does takes place when the function has returned without an error, and only if no output of the
// function is refused. The error tells that there is no such binding, or that the value cannot be written as JSON.
func SetOutput(ctx context.Context, binding string, value any) error {
	c := gofunc.FromContext(ctx)
	if c == nil {
		return fmt.Errorf("output binding %q: %w", binding, errNoInvocation)
	}
	return c.SetOutput(binding, value)
}

// ManagementURLs are the URLs with which a caller follows and manages an orchestration instance.
type ManagementURLs = management.ManagementURLs

// retryAfter is how many seconds a caller should wait before it asks for the status (P3 durableClient.js createCheckStatusResponse).
const retryAfter = "10"

// CheckStatus answers a request with 202 and the management URLs of an instance, for a function that has started it. The URL of its status is in the
// header Location, too. r must be the handler's request. Nothing is written when there is an error: the host listens on no port, or r is no
// function's request.
func CheckStatus(w http.ResponseWriter, r *http.Request, instanceID string) error {
	c := gofunc.FromContext(r.Context())
	if c == nil {
		return fmt.Errorf("checking the status of instance '%s': %w", instanceID, errNoInvocation)
	}
	urls, err := c.URLs(r, instanceID)
	if err != nil {
		return fmt.Errorf("checking the status of instance '%s': %w", instanceID, err)
	}
	body, err := gofuncs.Encode(urls)
	if err != nil {
		return fmt.Errorf("writing the management URLs: %w", err)
	}
	for name, values := range checkStatusHeader(urls) {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(body) // an error is the caller's going away
	return nil
}

// CheckStatusResponse is CheckStatus for a handler that returns its response.
func CheckStatusResponse(ctx context.Context, instanceID string) (*Response[ManagementURLs], error) {
	c := gofunc.FromContext(ctx)
	if c == nil {
		return nil, fmt.Errorf("checking the status of instance '%s': %w", instanceID, errNoInvocation)
	}
	urls, err := c.URLs(nil, instanceID)
	if err != nil {
		return nil, fmt.Errorf("checking the status of instance '%s': %w", instanceID, err)
	}
	return &Response[ManagementURLs]{Status: http.StatusAccepted, Header: checkStatusHeader(urls), Body: urls}, nil
}

func checkStatusHeader(urls ManagementURLs) http.Header {
	return http.Header{"Location": {urls.StatusQueryGetURI}, "Retry-After": {retryAfter}}
}
