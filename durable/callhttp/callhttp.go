// Package callhttp performs the HTTP requests of orchestrations: the built-in activity behind context.df.callHttp.
package callhttp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ActivityName is the name under which such a request stands in the history (azure-functions-durable-extension HttpOptions.cs).
const ActivityName = "BuiltIn::HttpActivity"

// Options bounds a request.
type Options struct {
	// Timeout is for one request with its answer, if the request names none. Default 100 s; negative: none.
	Timeout time.Duration
	// MaxContent is how many bytes of an answer's content are accepted. Default 8 MiB.
	MaxContent int64
	// DefaultSleep is the pause before DoPolling asks again when the answer has no Retry-After. Default 30 s.
	DefaultSleep time.Duration
}

func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(o.Timeout, 100*time.Second)
	o.MaxContent = cmp.Or(o.MaxContent, 8<<20)
	o.DefaultSleep = cmp.Or(o.DefaultSleep, 30*time.Second)
	return o
}

// Error is a failure of the request that the orchestration sees: it could not be built, sent or answered. Any other error of this
// package means that the caller's context ended, so that the outcome is unknown.
type Error struct {
	Message string
	Err     error // cause, may be nil
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// response is what DurableHttpResponse of the SDKs reads.
type response struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Content    string            `json:"content"`
}

// Do performs one durable HTTP request, {"method","uri","content","headers",...} or an array with one, and returns
// {"statusCode","headers","content"}. An answer of any status is a result; a repeated header is joined with ", ".
func Do(ctx context.Context, client *http.Client, input json.RawMessage, options Options) (json.RawMessage, error) {
	r, err := parse(input)
	if err != nil {
		return nil, err
	}
	answer, err := r.send(ctx, client, options.withDefaults())
	if err != nil {
		return nil, err
	}
	return encode(answer)
}

// DoPolling is Do for SDKs that leave it to the host to follow an asynchronous answer: while the answer is 202 with a Location, it waits as long as
// Retry-After says and asks the Location with GET, unless the request sets asynchronousPatternEnabled to false. As in
// azure-functions-durable-extension, the polls have the headers of the request but for x-functions-key.
func DoPolling(ctx context.Context, client *http.Client, input json.RawMessage, options Options) (json.RawMessage, error) {
	options = options.withDefaults()
	r, err := parse(input)
	if err != nil {
		return nil, err
	}
	for {
		answer, err := r.send(ctx, client, options)
		if err != nil {
			return nil, err
		}
		location := answer.Headers["Location"]
		if answer.StatusCode != http.StatusAccepted || location == "" || !r.polls {
			return encode(answer)
		}
		if r, err = r.poll(location); err != nil {
			return nil, err
		}
		pause := time.NewTimer(retryAfter(answer.Headers["Retry-After"], time.Now(), options.DefaultSleep))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, fmt.Errorf("waiting to ask %s again: %w", r.name(), context.Cause(ctx))
		}
	}
}

// poll returns the request that asks how far the work has come.
func (r *request) poll(location string) (*request, error) {
	target, err := r.uri.Parse(location)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return nil, &Error{Message: fmt.Sprintf("%s: the answer's Location %q is no http or https URL", r.name(), location), Err: err}
	}
	next := *r
	next.method, next.uri, next.content = http.MethodGet, target, nil
	next.headers = maps.Clone(r.headers)
	next.headers.Del("X-Functions-Key")
	next.headers.Del("Content-Type")
	return &next, nil
}

// retryAfter reads seconds or an HTTP date.
func retryAfter(value string, now time.Time, other time.Duration) time.Duration {
	if value == "" {
		return other
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 && seconds < 1e9 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return other
}

func (r *request) send(ctx context.Context, client *http.Client, options Options) (*response, error) {
	timeout := cmp.Or(r.timeout, options.Timeout)
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, &Error{Message: fmt.Sprintf("%s: no complete answer within %s", r.name(), timeout)})
		defer cancel()
	}
	httpRequest, err := http.NewRequestWithContext(ctx, r.method, r.uri.String(), nil)
	if err != nil {
		return nil, &Error{Message: fmt.Sprintf("the durable HTTP request cannot be made: %s", inner(err)), Err: err}
	}
	if r.content != nil {
		httpRequest.Body = io.NopCloser(bytes.NewReader(r.content))
		httpRequest.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.content)), nil }
		httpRequest.ContentLength = int64(len(r.content))
	}
	httpRequest.Header = r.headers.Clone()
	httpRequest.Host = r.headers.Get("Host")
	answer, err := client.Do(httpRequest)
	if err != nil {
		return nil, r.failure(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(answer.Body, options.MaxContent+1))
	if err != nil {
		return nil, r.failure(ctx, err)
	}
	if int64(len(content)) > options.MaxContent {
		return nil, &Error{Message: fmt.Sprintf("%s: the answer's content is larger than %d bytes", r.name(), options.MaxContent)}
	}
	headers := make(map[string]string, len(answer.Header))
	for name, values := range answer.Header {
		headers[name] = strings.Join(values, ", ")
	}
	return &response{StatusCode: answer.StatusCode, Headers: headers, Content: text(content, headers["Content-Type"])}, nil
}

// failure tells an end of the caller's context from a failure of the request.
func (r *request) failure(ctx context.Context, err error) error {
	var timeout *Error
	if errors.As(context.Cause(ctx), &timeout) {
		return timeout
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", r.name(), context.Cause(ctx))
	}
	return &Error{Message: fmt.Sprintf("%s: %s", r.name(), inner(err)), Err: err}
}

// inner takes the address, which may hold keys in its query, off an error of net/http.
func inner(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}

// text decodes an answer's content. JSON strings hold UTF-8; of the other encodings, only the one that HTTP long had as its default
// still matters.
func text(content []byte, contentType string) string {
	_, parameters, _ := mime.ParseMediaType(contentType)
	if charset := strings.ToLower(parameters["charset"]); !slices.Contains([]string{"iso-8859-1", "latin1"}, charset) {
		return string(content)
	}
	runes := make([]rune, len(content))
	for i, b := range content {
		runes[i] = rune(b)
	}
	return string(runes)
}

func encode(r *response) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
