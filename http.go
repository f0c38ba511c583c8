package durango

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	gofuncs "github.com/durango-functions/durango/internal/gofunc"
	"github.com/durango-functions/durango/worker"
	"github.com/durango-functions/durango/worker/gofunc"
)

// Request is an HTTP request whose input has been read, for handlers of the form func(context.Context, *Request[In]) (Out, error).
type Request[In any] struct {
	// Request is the request itself: headers, URL, PathValue of route parameters. Its body has been read if In takes anything from it.
	*http.Request
	// Input is the body, read as JSON. Fields of a struct with one of these tags come from elsewhere, and not from the body unless they have
	// a json tag as well:
	//
	//	ID    int      `path:"id"`      // route parameter
	//	Tags  []string `query:"tag"`    // query parameter, all its values
	//	Agent string   `header:"User-Agent"`
	//
	// They may be strings, booleans, numbers, implementations of encoding.TextUnmarshaler such as time.Time, pointers to these (nil when
	// there is no value), and of query parameters and headers slices. Without a value they are zero. Input that does not fit is answered with status 400
	// and the name of the field; the handler is not called.
	Input In
}

// Response is an HTTP response with more than a body, for handlers that return it or a pointer to it.
type Response[T any] struct {
	// Status is the HTTP status, 200 to 999. 0 is 200.
	Status int
	// Header are headers of the response.
	Header http.Header
	// Body is written as JSON. A []byte, and a string under a Content-Type other than JSON, are written as they are. Body may be nil if its
	// type allows: then there is no body.
	Body T
}

// HTTPError is an error of an HTTP function that its caller is told of: the response has the status, and the body {"error": "message"}. Other errors
// are logged, and the caller gets status 500 without a body. The handler's error may wrap it, in which case the caller sees
// Message only. Outputs of the function do not take place. An invocation with a status of 500 or more counts as failed.
type HTTPError struct {
	// Status is the HTTP status, 300 to 999; any other is 500.
	Status int
	// Message is for the caller. Defaults to the status's text.
	Message string
}

func (e HTTPError) Error() string {
	if e.Message != "" {
		return e.Message
	}
	return http.StatusText(e.status())
}

func (e HTTPError) status() int {
	if e.Status < 300 || e.Status > 999 {
		return http.StatusInternalServerError
	}
	return e.Status
}

const jsonType = "application/json; charset=utf-8"

const httpSignature = "func(w http.ResponseWriter, r *http.Request), an http.Handler, func(ctx context.Context, in In) (Out, error) or " +
	"func(ctx context.Context, req *durango.Request[In]) (Out, error)"

// typedRequest is a *Request[In].
type typedRequest interface {
	begin(r *http.Request) (input any)
	inputType() reflect.Type
}

func (r *Request[In]) begin(from *http.Request) any {
	r.Request = from
	return &r.Input
}

func (r *Request[In]) inputType() reflect.Type { return reflect.TypeFor[In]() }

// typedResponse is a Response[T].
type typedResponse interface {
	parts() (status int, header http.Header, body any)
}

func (r Response[T]) parts() (int, http.Header, any) { return r.Status, r.Header, r.Body }

// bindHTTP makes the handler of an HTTP function.
func bindHTTP(handler any) (*gofunc.Handler, error) {
	switch h := handler.(type) {
	case nil:
	case func(http.ResponseWriter, *http.Request):
		if h != nil {
			return rawHTTP(http.HandlerFunc(h)), nil
		}
	case http.Handler:
		return rawHTTP(h), nil
	}
	f, err := gofuncs.New(handler, reflect.TypeFor[context.Context](), httpSignature)
	if err != nil {
		return nil, err
	}
	in, typed := f.In(), false
	if in != nil && in.Kind() == reflect.Pointer && in.Implements(reflect.TypeFor[typedRequest]()) {
		typed = true
		in = reflect.New(in.Elem()).Interface().(typedRequest).inputType() //nolint:forcetypeassert // it implements it
	}
	read, err := newInputReader(in)
	if err != nil {
		return nil, fmt.Errorf("the handler is %T: %w", handler, err)
	}
	return &gofunc.Handler{Serve: func(_ http.ResponseWriter, r *http.Request) (*worker.HTTPResponse, error) {
		input, err := requestInput(f, typed, read, r)
		if err != nil {
			return errorResponse(err)
		}
		ctx := r.Context()
		out := f.CallValue(reflect.ValueOf(&ctx).Elem(), input)
		if err, _ := out[len(out)-1].Interface().(error); err != nil {
			return errorResponse(err)
		}
		if f.Out() == nil {
			return &worker.HTTPResponse{Status: strconv.Itoa(http.StatusNoContent)}, nil
		}
		return response(out[0])
	}}, nil
}

func rawHTTP(h http.Handler) *gofunc.Handler {
	return &gofunc.Handler{Serve: func(w http.ResponseWriter, r *http.Request) (*worker.HTTPResponse, error) {
		h.ServeHTTP(w, r)
		return nil, nil //nolint:nilnil // it has written the response itself
	}}
}

// requestInput makes the handler's second argument.
func requestInput(f *gofuncs.Func, typed bool, read *inputReader, r *http.Request) (reflect.Value, error) {
	if f.In() == nil {
		return reflect.Value{}, nil
	}
	if !typed {
		v := reflect.New(f.In())
		return v.Elem(), read.read(r, v.Elem())
	}
	v := reflect.New(f.In().Elem())
	into := v.Interface().(typedRequest).begin(r) //nolint:forcetypeassert // bindHTTP has looked
	return v, read.read(r, reflect.ValueOf(into).Elem())
}

// errorResponse answers for an error. It is returned too when the invocation has failed.
func errorResponse(err error) (*worker.HTTPResponse, error) {
	var told HTTPError
	var pointer *HTTPError
	switch {
	case errors.As(err, &told):
	case errors.As(err, &pointer) && pointer != nil:
		told = *pointer
	default:
		return nil, err
	}
	body, encodeErr := gofuncs.Encode(map[string]string{"error": told.Error()})
	if encodeErr != nil {
		return nil, errors.Join(err, encodeErr)
	}
	answer := &worker.HTTPResponse{
		Status: strconv.Itoa(told.status()), Header: http.Header{"Content-Type": {jsonType}}, Body: worker.JSONValue(body), NoOutputs: true,
	}
	if told.status() < http.StatusInternalServerError {
		return answer, nil
	}
	return answer, err
}

// response makes the response of what a handler returned.
func response(out reflect.Value) (*worker.HTTPResponse, error) {
	var status int
	var header http.Header
	var body any
	switch out.Kind() {
	case reflect.Pointer, reflect.Interface:
		if out.IsNil() && (out.Kind() == reflect.Interface || out.Type().Implements(reflect.TypeFor[typedResponse]())) {
			return &worker.HTTPResponse{Status: strconv.Itoa(http.StatusNoContent)}, nil
		}
	default:
	}
	if r, ok := out.Interface().(typedResponse); ok {
		status, header, body = r.parts()
	} else {
		body = out.Interface()
	}
	if status == 0 {
		status = http.StatusOK
	}
	if header = maps.Clone(header); header == nil {
		header = http.Header{}
	}
	value, contentType, err := responseBody(body, header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if contentType != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType)
	}
	return &worker.HTTPResponse{Status: strconv.Itoa(status), Header: header, Body: value}, nil
}

// responseBody makes the body, and the content type that it has unless the handler chose one.
func responseBody(body any, chosen string) (worker.Value, string, error) {
	switch b := body.(type) {
	case nil:
		return worker.Value{}, "", nil
	case []byte:
		return worker.Value{Kind: worker.Bytes, Data: b}, "application/octet-stream", nil
	case string:
		if chosen != "" && !strings.Contains(strings.ToLower(chosen), "json") {
			return worker.StringValue(b), "", nil
		}
	}
	raw, err := gofuncs.Encode(body)
	if err != nil {
		return worker.Value{}, "", fmt.Errorf("the response of type %T cannot be written as JSON: %w", body, err)
	}
	if raw == nil {
		return worker.Value{}, "", nil
	}
	return worker.JSONValue(raw), jsonType, nil
}

var _ error = HTTPError{}
