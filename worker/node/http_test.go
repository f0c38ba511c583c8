package node

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/worker"
)

func request(r worker.HTTPRequest) worker.Value { return worker.Value{Kind: worker.HTTP, Request: &r} }

func TestHTTPRequest(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async function (context, req) {
		const { sys, query, headers, id } = context.bindingData;
		context.res = { body: {
			keys: Object.keys(context), same: context.req === req && context.bindings.req === req, req: req, get: req.get("X-A"), user: req.user,
			query, headers, id, sys: Object.keys(sys), method: sys.methodName,
		} };
	};`})
	principal := base64.StdEncoding.EncodeToString([]byte(`{"identityProvider":"github","userId":"1","userDetails":"ann"}`))
	inv := invocation(a.fn("F/index.js", "httpTrigger req", "http res out"), request(worker.HTTPRequest{
		Method: "POST", URL: "http://localhost/api/x?q=1&q=2",
		Headers: map[string]string{"x-a": "1", "content-type": "text/plain", "x-ms-client-principal": principal, "empty": ""},
		Query:   map[string]string{"q": "1,2"}, Params: map[string]string{"id": "7"}, Body: []byte(`{"a":2}`),
	}))
	inv.TriggerMetadata = map[string]json.RawMessage{"id": json.RawMessage(`"7"`)}
	result, err := a.ch.Invoke(ctxFor(t), inv)
	require.NoError(t, err)
	require.Equal(t, worker.None, result.ReturnValue.Kind)
	var got map[string]any
	require.NoError(t, json.Unmarshal(result.Outputs["res"].Response.Body.Data, &got))
	require.Equal(t, []any{
		"invocationId", "traceContext", "executionContext", "bindings", "log", "bindingData", "bindingDefinitions", "done", "req", "res",
	}, got["keys"])
	require.Equal(t, true, got["same"])
	req := got["req"].(map[string]any)
	require.Equal(t, "POST", req["method"])
	require.Equal(t, "http://localhost/api/x?q=1&q=2", req["url"])
	require.Equal(t, req["url"], req["originalUrl"])
	require.Equal(t, map[string]any{"a": 2.0}, req["body"])
	require.Equal(t, `{"a":2}`, req["rawBody"])
	require.Equal(t, "Buffer", req["bufferBody"].(map[string]any)["type"])
	require.Equal(t, map[string]any{"id": "7"}, req["params"])
	require.Equal(t, map[string]any{"q": "1,2"}, req["query"])
	require.Equal(t, map[string]any{"q": "1,2"}, got["query"])
	require.Contains(t, got["headers"], "empty")
	require.Equal(t, "1", got["get"])
	require.InDelta(t, 7, got["id"], 0)
	require.Equal(t, []any{"methodName", "utcNow", "randGuid"}, got["sys"])
	require.Equal(t, "F", got["method"])
	user := got["user"].(map[string]any)
	require.Equal(t, []any{"StaticWebApps", "1", "ann", "github"}, []any{user["type"], user["id"], user["username"], user["identityProvider"]})
}

func TestHTTPBodies(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async (c, req) => {
		const show = (v) => Buffer.isBuffer(v) ? "buffer:" + v.toString("hex") : v;
		c.res = { body: JSON.stringify([show(req.body), req.rawBody, show(req.bufferBody)]) };
	};`})
	fn := a.fn("F/index.js", "httpTrigger req", "http res out")
	tests := map[string]struct {
		contentType string
		body        []byte
		want        string
	}{
		"none":              {"", nil, `[null,null,null]`},
		"empty":             {"", []byte{}, `[null,null,null]`},
		"JSON whatever":     {"text/plain", []byte(`[1]`), `[[1],"[1]","buffer:5b315d"]`},
		"text as JSON":      {"application/json", []byte(`{x`), `["{x","{x","buffer:7b78"]`},
		"octets":            {"Application/Octet-Stream", []byte(`[1]`), `["buffer:5b315d","[1]","buffer:5b315d"]`},
		"octets, parameter": {"application/octet-stream; a=b", []byte(`1`), `[1,"1","buffer:31"]`},
		"multipart":         {"multipart/mixed; boundary=x", []byte(`1`), `["buffer:31","1","buffer:31"]`},
		"utf-8 BOM":         {"", []byte("\xef\xbb\xbf1"), `[1,"1","buffer:efbbbf31"]`},
		"utf-16 LE":         {"", []byte("\xff\xfea\x00"), `["a","a","buffer:fffe6100"]`},
		"utf-16 BE":         {"", []byte("\xfe\xff\x00a"), `["a","a","buffer:feff0061"]`},
		"utf-32 LE":         {"", []byte("\xff\xfe\x00\x00a\x00\x00\x00"), `["a","a","buffer:fffe000061000000"]`},
		"utf-32 BE":         {"", []byte("\x00\x00\xfe\xff\x00\x01\xf6\x00\x7f\xff\xff\xff"), `["😀�","😀�","buffer:0000feff0001f6007fffffff"]`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := worker.HTTPRequest{Method: "POST", URL: "http://h/", Body: tt.body, Headers: map[string]string{}}
			if tt.contentType != "" {
				req.Headers["content-type"] = tt.contentType
			}
			result, err := a.invoke(fn, request(req))
			require.NoError(t, err)
			require.Equal(t, tt.want, string(result.Outputs["res"].Response.Body.Data))
		})
	}
}

func TestHTTPResponses(t *testing.T) {
	t.Parallel()
	maxAge := 1.5
	text := func(s string) worker.Value { return worker.StringValue(s) }
	object := func(s string) worker.Value { return worker.JSONValue([]byte(s)) }
	type headers = map[string]string
	tests := map[string]struct {
		body string
		want worker.HTTPResponse
		err  string
	}{
		"untouched":        {`(c) => { c.done() }`, worker.HTTPResponse{Headers: headers{}}, ""},
		"replaced":         {`async (c) => { c.res = { status: 201, body: "x", headers: { "X-A": 1, b: null, c: undefined, D: ["x", "y"] } } }`, worker.HTTPResponse{Status: "201", Headers: headers{"x-a": "1", "d": "x,y"}, Body: text("x")}, ""},
		"statusCode first": {`async (c) => { c.res = { status: 201, statusCode: "202" } }`, worker.HTTPResponse{Status: "202", Headers: headers{}}, ""},
		"assigned status":  {`async (c) => { c.res.status = 400; c.res.body = { a: 1 } }`, worker.HTTPResponse{Status: "400", Headers: headers{}, Body: object(`{"a":1}`)}, ""},
		"by binding":       {`async (c) => { c.bindings.res = { body: 5 }; c.res = { body: 6 } }`, worker.HTTPResponse{Headers: headers{}, Body: object(`5`)}, ""},
		"by result":        {`async (c) => { c.res = { body: 6 }; return { res: { body: "r" } } }`, worker.HTTPResponse{Headers: headers{}, Body: text("r")}, ""},
		"json":             {`(c) => { c.res.status(201).json({ a: 1 }) }`, worker.HTTPResponse{Status: "201", Headers: headers{"content-type": "application/json"}, Body: object(`{"a":1}`)}, ""},
		"send":             {`(c) => { c.res.set("X-A", 1).header("x-b", 2).setHeader("X-C", 3).removeHeader("x-c").type("text/html").send("<p>") }`, worker.HTTPResponse{Headers: headers{"x-a": "1", "x-b": "2", "content-type": "text/html"}, Body: text("<p>")}, ""},
		"send buffer":      {`(c) => { c.res.end(Buffer.from("x")) }`, worker.HTTPResponse{Headers: headers{"content-type": "application/octet-stream"}, Body: worker.Value{Kind: worker.Bytes, Data: []byte("x")}}, ""},
		"typed buffer":     {`(c) => { c.res.type("image/png").send(Buffer.from("x")) }`, worker.HTTPResponse{Headers: headers{"content-type": "image/png"}, Body: worker.Value{Kind: worker.Bytes, Data: []byte("x")}}, ""},
		"sendStatus":       {`(c) => { c.res.sendStatus(204) }`, worker.HTTPResponse{Status: "204", Headers: headers{}}, ""},
		"get":              {`(c) => { c.res.set("A", "1"); c.res.send(c.res.get("a") + c.res.getHeader("A")) }`, worker.HTTPResponse{Headers: headers{"a": "1"}, Body: text("11")}, ""},
		"null body":        {`async (c) => { c.res = { body: null } }`, worker.HTTPResponse{Headers: headers{}}, ""},
		"cookies": {
			`async (c) => { c.res = { cookies: [{ name: "a", value: "b", path: "/", maxAge: "1.5", sameSite: "lax", secure: true, httpOnly: false, expires: new Date(0) }] } }`,
			worker.HTTPResponse{Headers: headers{}, Cookies: []worker.Cookie{{Name: "a", Value: "b", Path: "/", MaxAge: &maxAge, SameSite: "Lax", Secure: true, Expires: "1970-01-01T00:00:00.000Z"}}}, "",
		},
		"bad cookie":   {`async (c) => { c.res = { cookies: [{ name: 5 }] } }`, worker.HTTPResponse{}, "A 'string' type was expected instead of a 'number' type. Cannot parse value of 'cookie.name'."},
		"bad response": {`async (c) => { c.res = "text" }`, worker.HTTPResponse{}, "The HTTP response must be an 'object' type that can include properties such as 'body', 'status', and 'headers'. Learn more: https://go.microsoft.com/fwlink/?linkid=2112563"},
		"array":        {`async (c) => { c.res = [1] }`, worker.HTTPResponse{}, "The HTTP response must be an 'object' type that can include properties such as 'body', 'status', and 'headers'. Learn more: https://go.microsoft.com/fwlink/?linkid=2112563"},
	}
	files := map[string]string{}
	for name, tt := range tests {
		files[folder(name)+"/index.js"] = "module.exports = " + tt.body
	}
	a := startApp(t, files)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := a.invoke(a.fn(folder(name)+"/index.js", "httpTrigger req", "http res out"), request(worker.HTTPRequest{Method: "GET", URL: "http://h/"}))
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, &tt.want, result.Outputs["res"].Response)
		})
	}
}

func TestHTTPReturnBinding(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{
		"Value/index.js": `module.exports = async (c) => ({ status: 202, body: "x" });`,
		"None/index.js":  `module.exports = async (c) => { c.res = { body: "ignored" }; };`,
	})
	req := request(worker.HTTPRequest{Method: "GET", URL: "http://h/"})
	result, err := a.invoke(a.fn("Value/index.js", "httpTrigger req", "http $return out"), req)
	require.NoError(t, err)
	require.Empty(t, result.Outputs)
	require.Equal(t, &worker.HTTPResponse{Status: "202", Headers: map[string]string{}, Body: worker.StringValue("x")}, result.ReturnValue.Response)
	result, err = a.invoke(a.fn("None/index.js", "httpTrigger req", "http $return out"), req)
	require.NoError(t, err)
	require.Equal(t, &worker.Result{}, result)
}

func TestFormBodies(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async (c, req) => {
		const form = req.parseFormBody();
		const parts = [...form].map(([name, p]) => [name, p.value.toString(), p.fileName, p.contentType]);
		c.res = { body: JSON.stringify([form.length, form.has("a"), form.get("none"), form.getAll("a").length, parts]) };
	};`})
	fn := a.fn("F/index.js", "httpTrigger req", "http res out")
	multipart := "preamble\r\n--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--Bnot\r\nmore\r\n--B\r\n" +
		"content-disposition: form-data; name=a; filename=\"x \\\"y\\\".txt\"\r\nContent-Type: text/plain\r\n\r\n\r\n--B\r\n" +
		"Content-Disposition: form-data; name=c\r\n\r\n--B--\r\nepilogue"
	for name, tt := range map[string]struct{ contentType, body, want, err string }{
		"urlencoded": {"application/x-www-form-urlencoded; charset=utf-8", "a=1&b=%20x+y&a=2", `[3,true,null,2,[["a","1",null,null],["b"," x y",null,null],["a","2",null,null]]]`, ""},
		"numbers":    {"application/x-www-form-urlencoded", "5", `[1,false,null,0,[["5","",null,null]]]`, ""},
		"multipart":  {`multipart/form-data; boundary="B"`, multipart, `[3,true,null,2,[["a","one\r\n--Bnot\r\nmore",null,null],["a","","x \"y\".txt","text/plain"],["c","",null,null]]]`, ""},
		"unended":    {`multipart/form-data; boundary=B`, "--B\nContent-Disposition: form-data; name=a\n\nx", `[1,true,null,1,[["a","x",null,null]]]`, ""},
		"no type":    {"", "x", "", `"content-type" header must be defined.`},
		"other type": {"text/plain", "x", "", `Media type "text/plain" does not match types supported for form parsing: "multipart/form-data", "application/x-www-form-urlencoded".`},
		"no bound":   {"multipart/form-data", "x", "", `Failed to find parameter with name "boundary".`},
		"no parts":   {"multipart/form-data; boundary=B", "x", "", `Expected form data to start with boundary "B".`},
		"no name":    {"multipart/form-data; boundary=B", "--B\r\nX: y\r\n\r\nz\r\n--B--", "", `Expected part to have header "content-disposition" with parameter "name".`},
		"no media":   {"nonsense", "x", "", `content-type must begin with format "type/subtype".`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := worker.HTTPRequest{Method: "POST", URL: "http://h/", Body: []byte(tt.body), Headers: map[string]string{}}
			if tt.contentType != "" {
				req.Headers["content-type"] = tt.contentType
			}
			result, err := a.invoke(fn, request(req))
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, string(result.Outputs["res"].Response.Body.Data))
		})
	}
}
