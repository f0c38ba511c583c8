// Package worker is the vocabulary between the host and the worker channels that run an app's code: values, invocations, results and
// the Channel itself. Its subpackages implement channels: node (our embedded Node.js worker) and gofunc (functions of this process).
package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/durango-functions/durango/functions"
)

// Kind tells what a Value holds.
type Kind uint8

// The kinds of a Value, in the terms of the FunctionRpc TypedData message.
const (
	None          Kind = iota // no value: undefined in JavaScript
	String                    // Data is text; a Node worker parses it as JSON if it parses, as the original does
	JSON                      // Data is JSON text
	Bytes                     // Data is binary
	HTTP                      // Request or Response is set
	Orchestration             // Episode is set, towards the worker
)

// Value is one datum that travels between the host and a worker.
type Value struct {
	Kind     Kind
	Data     []byte
	Request  *HTTPRequest  // Kind HTTP, towards the worker
	Response *HTTPResponse // Kind HTTP, from the worker
	Episode  *Episode      // Kind Orchestration
}

// StringValue returns a Value of kind String.
func StringValue(s string) Value { return Value{Kind: String, Data: []byte(s)} }

// JSONValue returns a Value of kind JSON.
func JSONValue(raw json.RawMessage) Value { return Value{Kind: JSON, Data: raw} }

// Episode is the value of an orchestrationTrigger: a JSON object two of whose members, history and input, are large and mostly what they were in
// the episode before. A worker may keep them.
type Episode struct {
	// Generation names history and input: under one number Past is only ever appended to, and Input does not change.
	Generation uint64
	// Past are the events that were there before this episode, New those that belong to it alone: one JSON object each.
	Past, New [][]byte
	Input     json.RawMessage // nil: none
	// Rest is the JSON object; its own members history and input mean nothing.
	Rest []byte
}

// HTTPRequest is the value of an httpTrigger.
type HTTPRequest struct {
	Method  string
	URL     string            // absolute, with query
	Headers map[string]string // names in lower case, repeated values joined by ","
	Query   map[string]string // repeated values joined by ","
	Params  map[string]string // route parameters; absent optional ones are left out
	Body    []byte            // nil: no body
	// Live is the exchange itself, for functions of this process and for those whose requests are streamed to theirs; the fields above but Params
	// are not filled then. nil: the function is run by hand, or in another process.
	Live *LiveHTTP `json:"-"`
}

// LiveHTTP is an HTTP exchange that a function takes part in while it goes on.
type LiveHTTP struct {
	Writer  http.ResponseWriter
	Request *http.Request
}

// HTTPResponse is what a function puts into an http output binding.
type HTTPResponse struct {
	Status  string            // as the function gave it; "" or unparsable means 200
	Headers map[string]string // names in lower case
	// Header are the headers of a function of this process, which may have several values.
	Header  http.Header
	Cookies []Cookie
	Body    Value // None, String, JSON or Bytes
	// NoOutputs is true for an answer that refuses the request: nothing that the function has put into outputs takes place.
	NoOutputs bool
}

// Cookie is a Set-Cookie of an HTTPResponse.
type Cookie struct {
	Name     string   `json:"name"`
	Value    string   `json:"value"`
	Domain   string   `json:"domain,omitempty"`
	Path     string   `json:"path,omitempty"`
	Expires  string   `json:"expires,omitempty"` // any form that http.ParseTime or RFC 3339 reads
	Secure   bool     `json:"secure,omitempty"`
	HTTPOnly bool     `json:"httpOnly,omitempty"`
	SameSite string   `json:"sameSite,omitempty"` // "", "Strict", "Lax" or "None"
	MaxAge   *float64 `json:"maxAge,omitempty"`   // seconds
}

// Input is one input of an invocation, by binding name.
type Input struct {
	Name  string
	Value Value
}

// Invocation is one call of one function.
type Invocation struct {
	// ID is unique per invocation.
	ID       string
	Function *functions.Function
	// Inputs are the values of the input bindings, the trigger first.
	Inputs []Input
	// TriggerMetadata is the binding data: JSON values by name.
	TriggerMetadata map[string]json.RawMessage
	TraceParent     string
	TraceState      string
	Retry           *RetryContext
}

// RetryContext tells a function which attempt it is in.
type RetryContext struct {
	RetryCount    int    `json:"retryCount"`
	MaxRetryCount int    `json:"maxRetryCount"`
	Exception     string `json:"exception,omitempty"` // message of the previous failure
}

// Result is what a function handed back.
type Result struct {
	// Outputs are the values of the output bindings by binding name, without $return.
	Outputs map[string]Value
	// ReturnValue is the function's return value; Kind None when there is none.
	ReturnValue Value
	// Streamed is true when the function has given the response to a streamed HTTP request, which goes another way than the result.
	Streamed bool
}

// Channel loads functions into a worker and runs invocations in it. All methods are safe for concurrent use.
//
// Invoke returns a *FunctionError when the user's code failed, a *LoadError when the function could not be loaded, and any other error
// when the invocation's outcome is unknown (worker crash, host stop): the caller decides by the kind of trigger whether to run it again.
type Channel interface {
	// Load prepares a function. The error is kept and returned again by each Invoke of that function.
	Load(ctx context.Context, fn *functions.Function) error
	Invoke(ctx context.Context, inv *Invocation) (*Result, error)
}

// Index is what the app's entry files have registered, and what went wrong with them.
type Index struct {
	Functions []functions.Registered
	Errors    []EntryError
}

// EntryError tells why an entry file could not be loaded. What it has registered before that is in the Index nevertheless.
type EntryError struct {
	File    string // absolute; "" when it is no single file's
	Message string // complete, for the app's author
	Stack   string
}

// FunctionError is a failure of the user's code.
type FunctionError struct {
	Message string
	Stack   string // may be empty
	// Err is the error itself, of a function of this process.
	Err error
	// Began is true when the function had begun a streamed response.
	Began bool
	// Response is what the caller of an HTTP function gets nevertheless; nil: status 500.
	Response *HTTPResponse
}

func (e *FunctionError) Error() string { return e.Message }

// Unwrap returns the error itself, if there is one.
func (e *FunctionError) Unwrap() error { return e.Err }

// LoadError tells why a worker cannot run a function: a syntax error, a missing module, an entry point that is no function.
type LoadError struct {
	Function string
	Message  string // complete, for the app's author
	Stack    string
}

func (e *LoadError) Error() string {
	return fmt.Sprintf("Worker was unable to load function %s: '%s'", e.Function, e.Message)
}

// CrashError tells that the worker process ended while an invocation ran or before it could be sent.
type CrashError struct {
	Reason string // exit code or signal, and the last lines of stderr
}

func (e *CrashError) Error() string { return "worker process ended: " + e.Reason }
