package callhttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/durable/callhttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type answer struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Content    string            `json:"content"`
}

func serve(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *http.Client) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server, server.Client()
}

func decode(t *testing.T, raw json.RawMessage) answer {
	t.Helper()
	var a answer
	require.NoError(t, json.Unmarshal(raw, &a))
	return a
}

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header()["X-Twice"] = []string{"a", "b"}
	w.WriteHeader(http.StatusTeapot)
	_, _ = fmt.Fprintf(w, "%s|%s|%s|%s|%s|%v", r.Method, r.Host, r.Header.Get("Content-Type"), r.Header["X-List"], r.Header.Get("X-Number"), string(body))
}

func TestDo(t *testing.T) {
	t.Parallel()
	server, client := serve(t, echo)
	host := strings.TrimPrefix(server.URL, "http://")
	for _, test := range []struct{ name, in, want string }{
		{"plain get", `{"method":"GET","uri":"URL"}`, "GET|HOST||[]||"},
		{"no method", `{"uri":"URL/x?y"}`, "GET|HOST||[]||"},
		{"lower case, nulls", `{"method":"post","uri":"URL","content":null,"headers":null,"tokenSource":null,"timeout":null}`, "POST|HOST||[]||"},
		{"the method of .NET", `{"method":{"Method":"PUT"},"uri":"URL"}`, "PUT|HOST||[]||"},
		{"text", `{"method":"POST","uri":"URL","content":"a\u00e4"}`, "POST|HOST|text/plain|[]||a\u00e4"},
		{"empty text", `{"method":"POST","uri":"URL","content":""}`, "POST|HOST|text/plain|[]||"},
		{"an object", `{"method":"POST","uri":"URL","content":{"a":1},"headers":{"content-type":"application/json"}}`, `POST|HOST|application/json|[]||{"a":1}`},
		{"headers", `{"uri":"URL","headers":{"x-list":["a","b"],"X-Number":5,"Host":"example.org","Content-Length":"7"}}`, "GET|example.org||[a b]|5|"},
		{"in an array", `[{"uri":"URL","timeout":"00:00:30"}]`, "GET|HOST||[]||"},
		{"timeout in seconds", `{"uri":"URL","timeout":30.5}`, "GET|HOST||[]||"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			raw, err := callhttp.Do(t.Context(), client, json.RawMessage(strings.ReplaceAll(test.in, "URL", server.URL)), callhttp.Options{})
			require.NoError(t, err)
			a := decode(t, raw)
			require.Equal(t, http.StatusTeapot, a.StatusCode)
			require.Equal(t, strings.ReplaceAll(test.want, "HOST", host), a.Content)
			require.Equal(t, "a, b", a.Headers["X-Twice"])
		})
	}
}

func TestDoRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		``:                                    "expected an object",
		`null`:                                "it has no uri",
		`[]`:                                  "array of 0",
		`[{},{}]`:                             "array of 2",
		`{}`:                                  "it has no uri",
		`{"uri":7}`:                           "expected an object with",
		`{"uri":"/x"}`:                        "no absolute http or https URL",
		`{"uri":"ftp://h/x?code=SECRET"}`:     `"ftp:h/x" is no absolute`,
		`{"uri":"http://h:x:y/?code=SECRET"}`: "no URL",
		`{"uri":"http://h","method":"G T"}`:   "its method",
		`{"uri":"http://h","method":[1]}`:     "its method [1] is none",
		`{"uri":"http://h","headers":{"a b":"c"}}`:                            `"a b" is no name of a header`,
		`{"uri":"http://h","headers":{"a":"c\r\nd: e"}}`:                      "its header a has a line break",
		`{"uri":"http://h","headers":{"a":{}}}`:                               "its header a is an object",
		`{"uri":"http://h","headers":{"a":[[]]}}`:                             "its header a is an object",
		`{"uri":"http://h","tokenSource":{"kind":"AzureManagedIdentity"}}`:    "Authorization header",
		`{"uri":"http://h","timeout":"soon"}`:                                 "its timeout",
		`{"uri":"http://h","timeout":-1}`:                                     "its timeout -1 is none",
		`{"uri":"http://h","timeout":"00:00:00"}`:                             "its timeout",
		`{"uri":"http://h","asynchronousPatternEnabled":"no","x":"SECRET"}`:   "asynchronousPatternEnabled",
		`{"uri":"http://127.0.0.1:1/a?code=SECRET#SECRET"}`:                   "GET http://127.0.0.1:1/a: dial tcp",
		`{"uri":"http://me:SECRET@127.0.0.1:1/a?code=SECRET","method":"PUT"}`: "PUT http://127.0.0.1:1/a: dial tcp",
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			_, err := callhttp.Do(t.Context(), &http.Client{Transport: &http.Transport{}}, json.RawMessage(in), callhttp.Options{})
			var failure *callhttp.Error
			require.ErrorAs(t, err, &failure)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "SECRET")
		})
	}
}

func TestDoBounds(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-release
		}
		_, _ = w.Write(make([]byte, 100))
	})
	defer close(release)
	var failure *callhttp.Error
	ask := func(ctx context.Context, path string, options callhttp.Options) error {
		_, err := callhttp.Do(ctx, client, json.RawMessage(`{"uri":"`+server.URL+path+`"}`), options)
		return err
	}
	require.NoError(t, ask(t.Context(), "/", callhttp.Options{MaxContent: 100}))
	err := ask(t.Context(), "/", callhttp.Options{MaxContent: 99})
	require.ErrorAs(t, err, &failure)
	require.ErrorContains(t, err, "larger than 99 bytes")

	err = ask(t.Context(), "/slow", callhttp.Options{Timeout: 20 * time.Millisecond})
	require.ErrorAs(t, err, &failure)
	require.ErrorContains(t, err, "/slow: no complete answer within 20ms")

	stopping := errors.New("the host stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(stopping) })
	err = ask(ctx, "/slow", callhttp.Options{})
	require.ErrorIs(t, err, stopping)
	require.NotErrorAs(t, err, &failure, "the end of the caller's context is no outcome")
}

func TestContentOfOtherEncodings(t *testing.T) {
	t.Parallel()
	server, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset="+r.URL.Query().Get("c"))
		_, _ = w.Write([]byte{'<', 0xe4, '>'})
	})
	for charset, want := range map[string]string{"ISO-8859-1": "<\u00e4>", "utf-8": "<\ufffd>", "": "<\ufffd>"} {
		raw, err := callhttp.Do(t.Context(), client, json.RawMessage(`{"uri":"`+server.URL+`?c=`+charset+`"}`), callhttp.Options{})
		require.NoError(t, err)
		require.Equal(t, want, decode(t, raw).Content)
	}
}

// transport answers requests without a network.
type transport func(*http.Request) (int, http.Header)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	status, header := f(r)
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("content")), Request: r}, nil
}

func TestDoPolling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var asked []string
		client := &http.Client{Transport: transport(func(r *http.Request) (int, http.Header) {
			asked = append(asked, fmt.Sprintf("%s %s %s key=%s auth=%s", time.Since(began), r.Method, r.URL, r.Header.Get("X-Functions-Key"), r.Header.Get("Authorization")))
			switch len(asked) {
			case 1:
				return http.StatusAccepted, http.Header{"Location": {"/status?id=1"}, "Retry-After": {"2"}}
			case 2:
				return http.StatusAccepted, http.Header{"Location": {"http://other/status"}}
			case 3:
				return http.StatusAccepted, http.Header{"Location": {"http://other/status"}, "Retry-After": {time.Now().Add(5 * time.Second).UTC().Format(http.TimeFormat)}}
			}
			return http.StatusOK, nil
		})}
		raw, err := callhttp.DoPolling(t.Context(), client,
			json.RawMessage(`{"method":"POST","uri":"http://h/start","content":"x","headers":{"x-functions-key":"k","Authorization":"a"}}`),
			callhttp.Options{DefaultSleep: time.Minute})
		require.NoError(t, err)
		require.Equal(t, 200, decode(t, raw).StatusCode)
		require.Equal(t, []string{
			"0s POST http://h/start key=k auth=a",
			"2s GET http://h/status?id=1 key= auth=a",
			"1m2s GET http://other/status key= auth=a",
			"1m7s GET http://other/status key= auth=a",
		}, asked)
	})
}

func TestDoPollingEnds(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	client := func(status int, header http.Header) *http.Client {
		return &http.Client{Transport: transport(func(*http.Request) (int, http.Header) {
			asked.Add(1)
			return status, header
		})}
	}
	const in = `{"uri":"http://h"}`
	raw, err := callhttp.DoPolling(t.Context(), client(202, nil), json.RawMessage(in), callhttp.Options{})
	require.NoError(t, err)
	require.Equal(t, 202, decode(t, raw).StatusCode, "nothing to poll")

	location := http.Header{"Location": {"http://h/2"}}
	raw, err = callhttp.DoPolling(t.Context(), client(202, location), json.RawMessage(`{"uri":"http://h","asynchronousPatternEnabled":false}`), callhttp.Options{})
	require.NoError(t, err)
	require.Equal(t, 202, decode(t, raw).StatusCode, "not asked to poll")

	_, err = callhttp.DoPolling(t.Context(), client(202, http.Header{"Location": {"mailto:x"}}), json.RawMessage(in), callhttp.Options{})
	require.ErrorContains(t, err, `the answer's Location "mailto:x" is no http or https URL`)
	require.EqualValues(t, 3, asked.Load())

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = callhttp.DoPolling(ctx, client(202, location), json.RawMessage(in), callhttp.Options{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var failure *callhttp.Error
	require.NotErrorAs(t, err, &failure)
}

func FuzzDo(f *testing.F) {
	f.Add(`{"method":"POST","uri":"http://h/x","content":{"a":1},"headers":{"a":["b",1]},"timeout":"00:00:01"}`)
	f.Add(`[{"method":{"Method":"X"},"uri":"https://h"}]`)
	client := &http.Client{Transport: transport(func(*http.Request) (int, http.Header) { return 200, nil })}
	f.Fuzz(func(t *testing.T, in string) {
		raw, err := callhttp.Do(t.Context(), client, json.RawMessage(in), callhttp.Options{})
		if err != nil {
			var failure *callhttp.Error
			require.ErrorAs(t, err, &failure)
			return
		}
		decode(t, raw)
	})
}
