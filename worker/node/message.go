package node

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// Headers of the frames. The names of their fields are those that js/*.js uses.

type initHeader struct {
	Root      string `json:"root"`
	HintAfter int64  `json:"hintAfter"` // ms
	KeepBytes int    `json:"keepBytes"` // of histories
}

type readyHeader struct {
	Version string `json:"version"`
	PID     int    `json:"pid"`
}

type loadHeader struct {
	ID         int             `json:"id"`
	Name       string          `json:"name"`
	Directory  string          `json:"directory"`
	Script     string          `json:"script"`
	EntryPoint string          `json:"entryPoint,omitempty"`
	Bindings   []bindingHeader `json:"bindings"`
	Registered bool            `json:"registered,omitempty"`
}

type bindingHeader struct {
	Name      string              `json:"name"`
	Type      string              `json:"type"`
	Direction functions.Direction `json:"direction"`
}

type loadedHeader struct {
	ID int  `json:"id"`
	OK bool `json:"ok"`
}

type invokeHeader struct {
	ID           uint64                     `json:"id"`
	Function     int                        `json:"fn"`
	InvocationID string                     `json:"invocationId"`
	Inputs       []inputHeader              `json:"inputs"`
	Metadata     map[string]json.RawMessage `json:"metadata,omitempty"`
	TraceParent  string                     `json:"traceparent"`
	TraceState   string                     `json:"tracestate"`
	Retry        *worker.RetryContext       `json:"retry,omitempty"`
}

type inputHeader struct {
	Name  string      `json:"n"`
	Value *inputValue `json:"v,omitempty"` // nil: none
}

// inputValue is a value towards the worker.
type inputValue struct {
	episode    *episodeValue
	Kind       string            `json:"k"`
	Attachment int               `json:"a"` // -1: an HTTP request without body
	Method     string            `json:"method,omitempty"`
	URL        string            `json:"url,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	Query      map[string]string `json:"query,omitempty"`
	Params     map[string]string `json:"params,omitempty"`
}

type resultHeader struct {
	ID  uint64 `json:"id"`
	Out []struct {
		Name  string       `json:"n"`
		Value *outputValue `json:"v"`
	} `json:"out"`
	Return *outputValue `json:"ret"`
	// Kept says that the episode's history is kept, Gone which others are not any more.
	Kept bool     `json:"kept"`
	Gone []uint64 `json:"gone"`
	// Answered is true when a streamed function has given a response, which goes another way.
	Answered bool `json:"answered"`
}

// missingHeader answers an invocation that relies on a history which the worker has not kept.
type missingHeader struct {
	ID uint64 `json:"id"`
}

// outputValue is a value from the worker; nil is none.
type outputValue struct {
	Kind       string            `json:"k"`
	Attachment int               `json:"a"`
	Status     string            `json:"status"`
	Headers    map[string]string `json:"headers"`
	Cookies    []worker.Cookie   `json:"cookies"`
	Body       *outputValue      `json:"body"`
}

type failureHeader struct {
	ID    uint64 `json:"id"`
	Began bool   `json:"began"` // a streamed response had begun
}

type logHeader struct {
	Level        int    `json:"level"`
	Function     string `json:"fn"`
	InvocationID string `json:"inv"`
	System       bool   `json:"system"`
}

// Kinds of values on the wire.
const (
	kindString  = "s"
	kindJSON    = "j"
	kindBytes   = "b"
	kindHTTP    = "h"
	kindEpisode = "o"
)

var logLevels = [...]slog.Level{worker.LevelTrace, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

// invokeFrame makes the frame of an invocation. kept is what the process has of the episode that it is; nil: nothing.
func invokeFrame(id uint64, function int, inv *worker.Invocation, kept *keptHistory) (*frame, error) {
	h := invokeHeader{
		ID: id, Function: function, InvocationID: inv.ID,
		Inputs:   make([]inputHeader, len(inv.Inputs)),
		Metadata: inv.TriggerMetadata, TraceParent: inv.TraceParent, TraceState: inv.TraceState, Retry: inv.Retry,
	}
	var attachments [][]byte
	for i, in := range inv.Inputs {
		if in.Value.Kind == worker.Orchestration && in.Value.Episode != nil {
			var value *inputValue
			value, attachments = encodeEpisode(in.Value.Episode, kept, attachments)
			h.Inputs[i] = inputHeader{Name: in.Name, Value: value}
			continue
		}
		value, data, err := encodeInput(in.Value)
		if err != nil {
			return nil, fmt.Errorf("input %q of function %s: %w", in.Name, inv.Function.Name, err)
		}
		if value != nil && data != nil {
			value.Attachment = len(attachments)
			attachments = append(attachments, data)
		}
		h.Inputs[i] = inputHeader{Name: in.Name, Value: value}
	}
	header, err := h.appendJSON(make([]byte, 0, 256))
	if err != nil {
		return nil, fmt.Errorf("invocation of function %s: encoding frame header: %w", inv.Function.Name, err)
	}
	f := &frame{typ: frameInvoke, header: header, attachments: attachments}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("invocation of function %s: %w", inv.Function.Name, err)
	}
	return f, nil
}

func encodeInput(v worker.Value) (*inputValue, []byte, error) {
	switch v.Kind {
	case worker.None:
		return nil, nil, nil
	case worker.String:
		return &inputValue{Kind: kindString}, orEmpty(v.Data), nil
	case worker.JSON:
		return &inputValue{Kind: kindJSON}, orEmpty(v.Data), nil
	case worker.Bytes:
		return &inputValue{Kind: kindBytes}, orEmpty(v.Data), nil
	case worker.HTTP:
		if v.Request == nil {
			return nil, nil, fmt.Errorf("an HTTP value needs a Request")
		}
		r := v.Request
		return &inputValue{
			Kind: kindHTTP, Attachment: -1,
			Method: r.Method, URL: r.URL, Headers: r.Headers, Query: r.Query, Params: r.Params,
		}, r.Body, nil
	default:
		return nil, nil, fmt.Errorf("value of unknown kind %d", v.Kind)
	}
}

func orEmpty(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// decodeResult makes the result of a frameResult.
func decodeResult(f *frame) (h *resultHeader, result *worker.Result, err error) {
	h = &resultHeader{}
	if !h.parsePlain(f.header) {
		*h = resultHeader{}
		if err := f.decode(h); err != nil {
			return nil, nil, err
		}
	}
	result = &worker.Result{Streamed: h.Answered}
	if result.ReturnValue, err = f.value(h.Return); err != nil {
		return nil, nil, fmt.Errorf("return value: %w", err)
	}
	if len(h.Out) > 0 {
		result.Outputs = make(map[string]worker.Value, len(h.Out))
	}
	for _, out := range h.Out {
		if result.Outputs[out.Name], err = f.value(out.Value); err != nil {
			return nil, nil, fmt.Errorf("output %q: %w", out.Name, err)
		}
	}
	return h, result, nil
}

// value makes the value that v describes. JSON from the worker comes out of JSON.stringify and is not checked again.
func (f *frame) value(v *outputValue) (worker.Value, error) {
	if v == nil {
		return worker.Value{}, nil
	}
	var kind worker.Kind
	switch v.Kind {
	case kindString:
		kind = worker.String
	case kindJSON:
		kind = worker.JSON
	case kindBytes:
		kind = worker.Bytes
	case kindHTTP:
		if v.Body != nil && v.Body.Kind == kindHTTP {
			return worker.Value{}, fmt.Errorf("the body of an HTTP response is an HTTP response")
		}
		body, err := f.value(v.Body)
		if err != nil {
			return worker.Value{}, err
		}
		return worker.Value{Kind: worker.HTTP, Response: &worker.HTTPResponse{
			Status: v.Status, Headers: v.Headers, Cookies: v.Cookies, Body: body,
		}}, nil
	default:
		return worker.Value{}, fmt.Errorf("value of unknown kind %q", v.Kind)
	}
	data, err := f.attachment(v.Attachment)
	return worker.Value{Kind: kind, Data: data}, err
}

// texts returns the frame's attachments as strings, "" for those that are missing.
func (f *frame) texts() (first, second string) {
	if len(f.attachments) > 0 {
		first = string(f.attachments[0])
	}
	if len(f.attachments) > 1 {
		second = string(f.attachments[1])
	}
	return first, second
}
