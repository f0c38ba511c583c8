// Package gofunc calls Go functions of an app's author whose signatures are known at run time only: func(first[, In]) ([Out, ]error), with
// In and Out of any type that JSON can carry.
package gofunc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
)

// Func is a function of the author with its signature checked.
type Func struct {
	value   reflect.Value
	in, out reflect.Type // nil: none
}

var (
	errorType = reflect.TypeFor[error]()
	rawType   = reflect.TypeFor[json.RawMessage]()
)

// New checks that fn is func(First) error, func(First) (Out, error), func(First, In) error or func(First, In) (Out, error). expected is the
// signature that the error shows, such as "func(ctx context.Context, in In) (Out, error)".
func New(fn any, first reflect.Type, expected string) (*Func, error) {
	if fn == nil {
		return nil, fmt.Errorf("the handler is nil, expected %s", expected)
	}
	v := reflect.ValueOf(fn)
	t := v.Type()
	fault := func(what string) error {
		return fmt.Errorf("the handler is %s: %s; expected %s (In and Out are types that JSON can carry, and may be left out)", t, what, expected)
	}
	switch {
	case t.Kind() != reflect.Func:
		return nil, fault("it is no function")
	case v.IsNil():
		return nil, fault("it is nil")
	case t.IsVariadic():
		return nil, fault("it is variadic")
	case t.NumIn() == 0 || t.In(0) != first:
		return nil, fault("its first parameter is not " + first.String())
	case t.NumIn() > 2:
		return nil, fault("it has more than two parameters")
	case t.NumOut() == 0 || t.NumOut() > 2 || t.Out(t.NumOut()-1) != errorType:
		return nil, fault("it does not return a value and an error, or an error alone")
	}
	f := &Func{value: v}
	if t.NumIn() == 2 {
		f.in = t.In(1)
		if err := carried(f.in); err != nil {
			return nil, fault("its input " + err.Error())
		}
	}
	if t.NumOut() == 2 {
		f.out = t.Out(0)
		if err := carried(f.out); err != nil {
			return nil, fault("its result " + err.Error())
		}
	}
	return f, nil
}

// carried refuses types that JSON cannot carry at all.
func carried(t reflect.Type) error {
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return fmt.Errorf("is of type %s, which JSON cannot carry", t)
	default:
		return nil
	}
}

// In is the type of the input, nil for none; Out that of the result.
func (f *Func) In() reflect.Type { return f.in }

// Out is the type of the result, nil for none.
func (f *Func) Out() reflect.Type { return f.out }

// InputError tells that an input is not of the type that the function takes.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

// Call calls the function with an input in JSON (nil: none) and returns its result as JSON (nil: none).
func (f *Func) Call(first reflect.Value, input json.RawMessage) (json.RawMessage, error) {
	args := make([]reflect.Value, 1, 2)
	args[0] = first
	if f.in != nil {
		in := reflect.New(f.in)
		if err := Decode(input, in.Interface()); err != nil {
			return nil, &InputError{fmt.Errorf("the input does not fit %s: %w", f.in, err)}
		}
		args = append(args, in.Elem())
	}
	return f.Results(f.value.Call(args))
}

// CallValue calls the function with an input that is of its type already.
func (f *Func) CallValue(first, input reflect.Value) []reflect.Value {
	if f.in == nil {
		return f.value.Call([]reflect.Value{first})
	}
	return f.value.Call([]reflect.Value{first, input})
}

// Results makes JSON of what the function returned.
func (f *Func) Results(out []reflect.Value) (json.RawMessage, error) {
	if err, _ := out[len(out)-1].Interface().(error); err != nil {
		return nil, err
	}
	if f.out == nil {
		return nil, nil
	}
	raw, err := Encode(out[0].Interface())
	if err != nil {
		return nil, fmt.Errorf("the result of type %s cannot be written as JSON: %w", f.out, err)
	}
	return raw, nil
}

// Decode reads JSON into a pointer; nil and null leave the zero value.
func Decode(raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, into)
}

// Encode makes JSON of a value, nil of nil. A json.RawMessage is JSON already. Unlike json.Marshal it leaves <, > and & as they are.
func Encode(v any) (json.RawMessage, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		if len(v) == 0 {
			return nil, nil
		}
		if !json.Valid(v) {
			return nil, fmt.Errorf("it is no valid JSON: %.60q", v)
		}
		return v, nil
	}
	e := encoders.Get().(*encoder) //nolint:forcetypeassert // New makes no others
	defer e.free()
	if err := e.enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.Clone(bytes.TrimRight(e.buf.Bytes(), "\n")), nil
}

// encoder is used again and again: making one takes as long as encoding a small value.
type encoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.enc = json.NewEncoder(&e.buf)
	e.enc.SetEscapeHTML(false)
	return e
}}

// free makes the encoder ready for the next value, unless it has grown beyond what is worth keeping.
func (e *encoder) free() {
	const most = 64 << 10
	if e.buf.Cap() > most {
		return
	}
	e.buf.Reset()
	encoders.Put(e)
}

// IsRaw reports whether the type takes JSON as it is.
func IsRaw(t reflect.Type) bool { return t == rawType }
