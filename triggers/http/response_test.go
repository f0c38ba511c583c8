package httptrigger_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	httptrigger "github.com/durango-functions/durango/triggers/http"
	"github.com/durango-functions/durango/worker"
)

const (
	text     = "text/plain; charset=utf-8"
	jsonType = "application/json; charset=utf-8"
)

func js(raw string) worker.Value { return worker.JSONValue([]byte(raw)) }

func httpValue(r worker.HTTPResponse) worker.Value {
	return worker.Value{Kind: worker.HTTP, Response: &r}
}

// respond has a function with these bindings answer a GET.
func respond(t *testing.T, method string, result *worker.Result, bindings ...functions.Binding) (*httptest.ResponseRecorder, string) {
	t.Helper()
	var log bytes.Buffer
	h := handler(t, httptrigger.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))},
		func(context.Context, *functions.Function, triggers.Event) (*worker.Result, error) { return result, nil },
		function(t, "F", `{}`, bindings...))
	return serve(h, method, "/f", nil), log.String()
}

// TestReturnValue is the table of what a $return binding of type http makes of a value.
func TestReturnValue(t *testing.T) {
	t.Parallel()
	maxAge, zero := 60.5, 0.0
	for _, c := range []struct {
		name    string
		value   worker.Value
		status  int
		typ     string
		body    string
		headers http.Header
	}{
		{name: "nothing", status: 204},
		{name: "null", value: js(" null "), status: 204},
		{name: "string", value: worker.StringValue("hi"), status: 200, typ: text, body: "hi"},
		{name: "empty string", value: worker.StringValue(""), status: 200},
		{name: "string with JSON", value: worker.StringValue(`{"a": 1}`), status: 200, typ: text, body: `{"a": 1}`},
		{name: "object", value: js(`{ "a": [1, 2] }`), status: 200, typ: jsonType, body: `{"a":[1,2]}`},
		{name: "array", value: js(`[1, 2]`), status: 200, typ: jsonType, body: `[1,2]`},
		{name: "number", value: js(`5`), status: 200, typ: text, body: "5"},
		{name: "boolean", value: js(`true`), status: 200, typ: text, body: "true"},
		{name: "JSON string", value: js(`"a\nb"`), status: 200, typ: text, body: "a\nb"},
		{name: "no JSON at all", value: js(`{a`), status: 200, typ: text, body: "{a"},
		{name: "bytes", value: worker.Value{Kind: worker.Bytes, Data: []byte("<html>")}, status: 200, body: "<html>"},

		{name: "sniffed", value: js(`{"status": 201, "body": {"a": 1}, "headers": {"X-A": "b", "x-n": 5, "x-null": null}}`), status: 201,
			typ: jsonType, body: `{"a":1}`, headers: http.Header{"X-A": {"b"}, "X-N": {"5"}}},
		{name: "sniffed string", value: worker.StringValue(` {"Body": "x", "StatusCode": "202", "status": 500}`), status: 202, typ: text, body: "x"},
		{name: "sniffed bad status", value: js(`{"statusCode": "x", "body": "y"}`), status: 200, typ: text, body: "y"},
		{name: "sniffed type", value: js(`{"body": "<p>", "headers": {"content-type": "text/html"}}`), status: 200, typ: "text/html", body: "<p>"},
		{name: "sniffed null body", value: js(`{"status": 202, "body": null}`), status: 202},
		{name: "sniffed cookies", value: js(`{"body": "", "cookies": [{"name": "a", "value": "1"}]}`), status: 200,
			headers: http.Header{"Set-Cookie": {"a=1; Path=/"}}},
		{name: "no body, not sniffed", value: js(`{"status": 202}`), status: 200, typ: jsonType, body: `{"status":202}`},
		{name: "sniffed once", value: js(`{"body": {"body": 1, "status": 404}}`), status: 200, typ: jsonType, body: `{"body":1,"status":404}`},
		{name: "http body is not sniffed", value: httpValue(worker.HTTPResponse{Body: worker.StringValue(`{"body": 1}`)}), status: 200, typ: text, body: `{"body": 1}`},

		{name: "http empty", value: httpValue(worker.HTTPResponse{}), status: 200},
		{name: "http status", value: httpValue(worker.HTTPResponse{Status: " 404 ", Body: worker.StringValue("no")}), status: 404, typ: text, body: "no"},
		{name: "http status unparsable", value: httpValue(worker.HTTPResponse{Status: "OK", Body: js(`{}`)}), status: 200, typ: jsonType, body: "{}"},
		{name: "http type", value: httpValue(worker.HTTPResponse{Headers: map[string]string{"content-type": "application/xml"}, Body: worker.StringValue("<a/>")}),
			status: 200, typ: "application/xml", body: "<a/>"},
		{name: "http type of object", value: httpValue(worker.HTTPResponse{Headers: map[string]string{"content-type": "application/problem+json"}, Body: js(`{"a": 1}`)}),
			status: 200, typ: "application/problem+json", body: `{"a":1}`},
		{name: "204 has no body", value: httpValue(worker.HTTPResponse{Status: "204", Body: worker.StringValue("x")}), status: 204},
		{name: "304 has no body", value: httpValue(worker.HTTPResponse{Status: "304", Headers: map[string]string{"etag": `"1"`, "content-length": "9"}, Body: worker.StringValue("x")}),
			status: 304, headers: http.Header{"Etag": {`"1"`}}},
		{name: "unknown status", value: httpValue(worker.HTTPResponse{Status: "799"}), status: 799},
		{name: "own lengths are corrected", value: httpValue(worker.HTTPResponse{Headers: map[string]string{"content-length": "99", "transfer-encoding": "chunked"},
			Body: worker.StringValue("abc")}), status: 200, typ: text, body: "abc", headers: http.Header{"Content-Length": {"3"}}},
		{name: "cookies", value: httpValue(worker.HTTPResponse{Headers: map[string]string{"set-cookie": "h=1"}, Cookies: []worker.Cookie{
			{Name: "a", Value: "b c=;", Domain: "example.org", Path: "/p", Expires: "2030-01-02T15:04:05.123Z", Secure: true, HTTPOnly: true, SameSite: "lax", MaxAge: &maxAge},
			{Name: "b", Expires: "Wed, 02 Jan 2030 15:04:05 GMT", SameSite: "None", MaxAge: &zero},
		}}), status: 200, headers: http.Header{"Set-Cookie": {"h=1",
			"a=b%20c%3D%3B; Path=/p; Domain=example.org; Expires=Wed, 02 Jan 2030 15:04:05 GMT; Max-Age=60; HttpOnly; Secure; SameSite=Lax",
			"b=; Path=/; Expires=Wed, 02 Jan 2030 15:04:05 GMT; Max-Age=0; SameSite=None"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, log := respond(t, "GET", &worker.Result{ReturnValue: c.value}, output("$return"))
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.body, w.Body.String())
			require.Equal(t, c.typ, w.Header().Get("Content-Type"))
			for name, values := range c.headers {
				require.Equal(t, values, w.Header()[name])
			}
			require.NotContains(t, w.Header(), "X-Null")
			require.NotContains(t, w.Header(), "Transfer-Encoding")
			require.Empty(t, log)
		})
	}
}

// TestNoGuessing has net/http not make up a content type for bytes.
func TestNoGuessing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(handler(t, httptrigger.Options{}, func(context.Context, *functions.Function, triggers.Event) (*worker.Result, error) {
		return &worker.Result{ReturnValue: worker.Value{Kind: worker.Bytes, Data: []byte("<html>")}}, nil
	}, function(t, "F", `{}`, output("$return"))))
	defer server.Close()
	resp, err := server.Client().Get(server.URL + "/f")
	require.NoError(t, err)
	resp.Body.Close()
	require.NotContains(t, resp.Header, "Content-Type")
}

func TestRefusedResponses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want     string
		response worker.HTTPResponse
	}{
		{"status 99 is no final HTTP status", worker.HTTPResponse{Status: "99"}},
		{"status 101", worker.HTTPResponse{Status: "101"}},
		{"status 1000", worker.HTTPResponse{Status: "1000"}},
		{"status -1", worker.HTTPResponse{Status: "-1"}},
		{"empty name", worker.HTTPResponse{Headers: map[string]string{"": "x"}}},
		{"header name", worker.HTTPResponse{Headers: map[string]string{"a b": "x"}}},
		{"header name", worker.HTTPResponse{Headers: map[string]string{"é": "x"}}},
		{"control character", worker.HTTPResponse{Headers: map[string]string{"x-a": "secret\r\nX-B: 1"}}},
		{"cookie", worker.HTTPResponse{Cookies: []worker.Cookie{{Name: "a b"}}}},
		{"cookie", worker.HTTPResponse{Cookies: []worker.Cookie{{Name: ""}}}},
		{"cookie", worker.HTTPResponse{Cookies: []worker.Cookie{{Name: "a", Path: "/;x"}}}},
		{"expires", worker.HTTPResponse{Cookies: []worker.Cookie{{Name: "a", Expires: "tomorrow"}}}},
		{"sameSite", worker.HTTPResponse{Cookies: []worker.Cookie{{Name: "a", SameSite: "Loose"}}}},
	} {
		c.response.Body = worker.StringValue("body")
		w, log := respond(t, "GET", &worker.Result{Outputs: map[string]worker.Value{"res": httpValue(c.response)}}, output("res"))
		require.Equal(t, 500, w.Code)
		require.Empty(t, w.Body.String())
		require.Contains(t, log, c.want)
		require.Contains(t, log, "function=F")
		require.NotContains(t, log, "secret")
		require.Empty(t, w.Header().Get("X-B"))
	}
	w, log := respond(t, "GET", &worker.Result{ReturnValue: worker.Value{Kind: worker.HTTP, Request: &worker.HTTPRequest{}}}, output("$return"))
	require.Equal(t, 500, w.Code)
	require.Contains(t, log, "expected a response")
}

// TestWhichOutput shows which value becomes the response.
func TestWhichOutput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		bindings []functions.Binding
		result   *worker.Result
		status   int
		body     string
	}{
		{"no http output", nil, &worker.Result{ReturnValue: worker.StringValue("x")}, 204, ""},
		{"no result", []functions.Binding{output("res")}, nil, 204, ""},
		{"named, untouched in the Node worker", []functions.Binding{output("res")}, &worker.Result{Outputs: map[string]worker.Value{"res": httpValue(worker.HTTPResponse{})}}, 200, ""},
		{"named, absent", []functions.Binding{output("res")}, &worker.Result{}, 204, ""},
		{"named, in another case", []functions.Binding{output("res")}, &worker.Result{Outputs: map[string]worker.Value{"Res": worker.StringValue("x")}}, 200, "x"},
		{"any name", []functions.Binding{output("answer")}, &worker.Result{Outputs: map[string]worker.Value{"answer": js(`{"body": "x", "status": 202}`)}}, 202, "x"},
		{"$return wins over an output of that name", []functions.Binding{output("$return")},
			&worker.Result{ReturnValue: worker.StringValue("x"), Outputs: map[string]worker.Value{"$return": worker.StringValue("y")}}, 200, "x"},
		{"$return without a value ignores other outputs", []functions.Binding{output("$return")},
			&worker.Result{Outputs: map[string]worker.Value{"res": worker.StringValue("y")}}, 204, ""},
		{"property of a returned object", []functions.Binding{output("res")},
			&worker.Result{ReturnValue: js(`{"res": {"body": "x"}, "other": 1}`), Outputs: map[string]worker.Value{"res": httpValue(worker.HTTPResponse{})}}, 200, "x"},
		{"a return value without a binding", []functions.Binding{output("res")}, &worker.Result{ReturnValue: worker.StringValue("x")}, 204, ""},
		{"no direction is an input", []functions.Binding{{Name: "res", Type: "http", Direction: functions.In}},
			&worker.Result{Outputs: map[string]worker.Value{"res": worker.StringValue("x")}}, 204, ""},
		{"another type's output", []functions.Binding{{Name: "$return", Type: "redis", Direction: functions.Out}},
			&worker.Result{ReturnValue: worker.StringValue("x")}, 204, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, _ := respond(t, "GET", c.result, c.bindings...)
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.body, w.Body.String())
		})
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	w, _ := respond(t, "HEAD", &worker.Result{ReturnValue: httpValue(worker.HTTPResponse{Headers: map[string]string{"content-length": "7"}})}, output("$return"))
	require.Equal(t, "7", w.Header().Get("Content-Length"))
	w, _ = respond(t, "HEAD", &worker.Result{ReturnValue: httpValue(worker.HTTPResponse{Headers: map[string]string{"content-length": "x"}})}, output("$return"))
	require.Equal(t, "0", w.Header().Get("Content-Length"))
}

func TestCORS(t *testing.T) {
	t.Parallel()
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	preflight := []string{"Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "X-A, X-B"}
	for _, c := range []struct {
		name        string
		origins     []string
		credentials bool
		method      string
		headers     []string
		status      int
		allow       string // Access-Control-Allow-Origin
	}{
		{"off", nil, false, "OPTIONS", append([]string{"Origin", "http://a"}, preflight...), 418, ""},
		{"no origin", []string{"http://a"}, false, "GET", nil, 418, ""},
		{"allowed", []string{"http://b", "http://a/"}, false, "GET", []string{"Origin", "http://A"}, 418, "http://A"},
		{"other", []string{"http://b"}, true, "GET", []string{"Origin", "http://a"}, 418, ""},
		{"all", []string{"*"}, false, "GET", []string{"Origin", "http://a"}, 418, "*"},
		{"all never with credentials", []string{"*"}, true, "GET", []string{"Origin", "http://a"}, 418, "*"},
		{"credentials", []string{"http://a"}, true, "GET", []string{"Origin", "http://a"}, 418, "http://a"},
		{"preflight", []string{"http://a"}, false, "OPTIONS", append([]string{"Origin", "http://a"}, preflight...), 204, "http://a"},
		{"preflight of another", []string{"http://b"}, false, "OPTIONS", append([]string{"Origin", "http://a"}, preflight...), 204, ""},
		{"options", []string{"http://a"}, false, "OPTIONS", []string{"Origin", "http://a"}, 418, "http://a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := serve(httptrigger.CORSMiddleware(c.origins, c.credentials)(next), c.method, "/x", nil, c.headers...)
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.allow, w.Header().Get("Access-Control-Allow-Origin"))
			wantCredentials := ""
			if c.name == "credentials" {
				wantCredentials = "true"
			}
			require.Equal(t, wantCredentials, w.Header().Get("Access-Control-Allow-Credentials"))
			if c.name == "preflight" {
				require.Equal(t, "PUT", w.Header().Get("Access-Control-Allow-Methods"))
				require.Equal(t, "X-A, X-B", w.Header().Get("Access-Control-Allow-Headers"))
				require.Equal(t, "Origin", w.Header().Get("Vary"))
			} else {
				require.Empty(t, w.Header().Get("Access-Control-Allow-Methods"))
			}
		})
	}
}
