package httptrigger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// The content types of responses that name none.
const (
	textType = "text/plain; charset=utf-8"
	jsonType = "application/json; charset=utf-8"
)

// Response returns what a function answers to an HTTP request. Without any http output, and with one that got no value, that is 204 and no body.
func Response(fn *functions.Function, result *worker.Result) (*worker.HTTPResponse, error) {
	if fn.Language == functions.Go && result != nil && result.ReturnValue.Response != nil {
		return result.ReturnValue.Response, nil
	}
	value := responseValue(fn, result)
	switch {
	case isNothing(value):
		return &worker.HTTPResponse{Status: strconv.Itoa(http.StatusNoContent)}, nil
	case value.Kind == worker.HTTP && value.Response != nil:
		return value.Response, nil
	case value.Kind == worker.HTTP:
		return nil, errors.New("the http output holds a request, expected a response")
	case value.Kind == worker.String || value.Kind == worker.JSON:
		if resp := sniff(value.Data); resp != nil {
			return resp, nil
		}
	}
	return &worker.HTTPResponse{Body: value}, nil
}

// responseValue returns the value of the http output binding. A $return binding takes the return value; the properties of a returned
// object go to the bindings of their names when there is no $return (azure-functions-host WorkerFunctionInvoker.cs:80-87, 212-226).
func responseValue(fn *functions.Function, result *worker.Result) worker.Value {
	var found worker.Value
	if result == nil {
		return found
	}
	returned := map[string]json.RawMessage{}
	if b := fn.Binding(functions.ReturnBinding); b == nil && result.ReturnValue.Kind == worker.JSON && isObject(result.ReturnValue.Data) {
		if json.Unmarshal(result.ReturnValue.Data, &returned) != nil {
			returned = nil
		}
	}
	for i := range fn.Bindings {
		b := &fn.Bindings[i]
		if !b.IsOutput() || !strings.EqualFold(b.Type, OutputType) {
			continue
		}
		value := result.ReturnValue
		if b.Name != functions.ReturnBinding {
			value = output(result, b.Name)
			if raw, ok := returned[b.Name]; ok {
				value = worker.JSONValue(raw)
			}
		}
		if !isNothing(value) {
			found = value
		}
	}
	return found
}

// output returns an output by its binding's name, in any case.
func output(result *worker.Result, name string) worker.Value {
	if v, ok := result.Outputs[name]; ok {
		return v
	}
	for n, v := range result.Outputs {
		if strings.EqualFold(n, name) {
			return v
		}
	}
	return worker.Value{}
}

func isObject(raw []byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '{'
}

func isNothing(v worker.Value) bool {
	return v.Kind == worker.None || v.Kind == worker.JSON && string(bytes.TrimSpace(v.Data)) == "null"
}

// content returns the bytes of a body and the content type for a response that names none; "" is none at all, as for bytes.
func content(v worker.Value) (data []byte, contentType string) {
	switch v.Kind {
	case worker.None, worker.HTTP, worker.Orchestration: // the last goes to workers only
		return nil, textType
	case worker.String:
		return v.Data, textType
	case worker.Bytes:
		return v.Data, ""
	case worker.JSON:
		return jsonContent(v.Data)
	}
	return v.Data, textType
}

// jsonContent writes objects and arrays as compact JSON, and the other values as text: a string without its quotes, null as nothing.
func jsonContent(raw []byte) (data []byte, contentType string) {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil || compact.Len() == 0 {
		return raw, textType
	}
	data = compact.Bytes()
	switch data[0] {
	case '{', '[':
		return data, jsonType
	case 'n':
		return nil, textType
	case '"':
		var text string
		if json.Unmarshal(data, &text) == nil {
			data = []byte(text)
		}
	}
	return data, textType
}

// StatusCode reads a status: 200 when there is none or it is no integer (azure-functions-host HttpBinding.cs:64-181).
func StatusCode(text string) (int, error) {
	code, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return http.StatusOK, nil //nolint:nilerr // the original takes 200 as well
	}
	if code < 200 || code > 999 {
		return 0, fmt.Errorf("status %d is no final HTTP status, expected 200 to 999", code)
	}
	return int(code), nil
}

// write sends a response. With an error nothing has been sent, and no header of the response has been set.
func (h *Handler) write(w http.ResponseWriter, r *http.Request, resp *worker.HTTPResponse) error {
	status, err := StatusCode(resp.Status)
	if err != nil {
		return err
	}
	data, contentType := content(resp.Body)
	if resp.Header != nil { // of a function that knows what it wants to send
		data, contentType = resp.Body.Data, ""
	}
	bodiless := status == http.StatusNoContent || status == http.StatusNotModified
	if bodiless {
		data = nil
	}
	header := http.Header{}
	for name, values := range resp.Header {
		for _, value := range values {
			if err := checkHeader(name, value); err != nil {
				return err
			}
			header.Add(name, value)
		}
	}
	for name, value := range resp.Headers {
		if err := checkHeader(name, value); err != nil {
			return err
		}
		header.Set(name, value)
	}
	for _, c := range resp.Cookies {
		text, err := setCookie(c)
		if err != nil {
			return err
		}
		header.Add("Set-Cookie", text)
	}
	if len(data) > 0 && header.Get("Content-Type") == "" {
		header["Content-Type"] = nil // keeps net/http from guessing
		if contentType != "" {
			header.Set("Content-Type", contentType)
		}
	}
	// How the body is sent is settled here, whatever the function thinks of it; only the answer to HEAD may name the length of a body
	// that is not there.
	header.Del("Transfer-Encoding")
	switch {
	case bodiless:
		header.Del("Content-Length")
	case r.Method != http.MethodHead || len(data) > 0 || !isLength(header.Get("Content-Length")):
		header.Set("Content-Length", strconv.Itoa(len(data)))
	}
	h.addCustomHeaders(header)
	for name, values := range header {
		if name == "Vary" {
			values = append(w.Header()[name], values...) // what CORS has put there stays true
		}
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	if len(data) > 0 {
		// An error is the caller's going away.
		_, _ = w.Write(data)
	}
	return nil
}

func isLength(text string) bool {
	_, err := strconv.ParseUint(text, 10, 63)
	return err == nil
}

// checkHeader reports why a header cannot be sent. The value is not repeated: it may be a secret.
func checkHeader(name, value string) error {
	if name == "" {
		return errors.New("a header has an empty name")
	}
	for _, c := range []byte(name) {
		if !isTokenByte(c) {
			return fmt.Errorf("the header name %q contains %q, expected letters, digits and !#$%%&'*+-.^_`|~", name, c)
		}
	}
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Errorf("the value of the header %q contains the control character %q", name, c)
		}
	}
	return nil
}

func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
