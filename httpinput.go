package durango

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// inputReader fills the input of an HTTP function from its request.
type inputReader struct {
	// body is true when the type takes something from the body.
	body   bool
	fields []inputField
}

// inputField is a field that does not come from the body.
type inputField struct {
	index []int
	from  string // path, query or header
	name  string
	// alsoBody keeps what the body says when there is no value.
	alsoBody bool
}

// sources are the struct tags, and what messages call them.
var sources = map[string]string{"path": "route parameter", "query": "query parameter", "header": "header"}

// newInputReader looks through a type, nil for none. The error tells of a field that cannot take what its tag asks for.
func newInputReader(t reflect.Type) (*inputReader, error) {
	r := &inputReader{}
	if t == nil {
		return r, nil
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		r.body = true
		return r, nil
	}
	return r, r.look(t, nil)
}

func (r *inputReader) look(t reflect.Type, at []int) error {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(slices.Clone(at), i)
		jsonTag, hasJSON := f.Tag.Lookup("json")
		from, name := sourceOf(f)
		switch {
		case from != "" && !f.IsExported():
			return fmt.Errorf("the field %s of its input has the tag %s:%q and is not exported", f.Name, from, name)
		case from != "":
			if err := takesText(f.Type, from != "path"); err != nil {
				return fmt.Errorf("the field %s of its input has the tag %s:%q and is of type %s: %w", f.Name, from, name, f.Type, err)
			}
			alsoBody := hasJSON && jsonTag != "-"
			r.fields = append(r.fields, inputField{index: index, from: from, name: name, alsoBody: alsoBody})
			r.body = r.body || alsoBody
		case f.Anonymous && !hasJSON && f.Type.Kind() == reflect.Struct:
			if err := r.look(f.Type, index); err != nil {
				return err
			}
		case f.IsExported() && jsonTag != "-":
			r.body = true
		}
	}
	return nil
}

func sourceOf(f reflect.StructField) (from, name string) {
	for tag := range sources {
		if v, ok := f.Tag.Lookup(tag); ok {
			if v == "" {
				v = f.Name
			}
			return tag, v
		}
	}
	return "", ""
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// takesText reports why a value of a type cannot be made of text.
func takesText(t reflect.Type, several bool) error {
	switch {
	case reflect.PointerTo(t).Implements(textUnmarshaler):
		return nil
	case t.Kind() == reflect.Pointer:
		return takesText(t.Elem(), false)
	case t.Kind() == reflect.Slice && several:
		return takesText(t.Elem(), false)
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return nil
	default:
		return errors.New("expected a string, a boolean, a number, an encoding.TextUnmarshaler, or a pointer to one of these; of query parameters and headers also a slice")
	}
}

// read fills v. The error is an HTTPError for the caller.
func (r *inputReader) read(req *http.Request, v reflect.Value) error {
	if r.body {
		body, err := io.ReadAll(req.Body)
		switch {
		case errors.As(err, new(*http.MaxBytesError)):
			return HTTPError{http.StatusRequestEntityTooLarge, "the body is too large"}
		case err != nil:
			return HTTPError{http.StatusBadRequest, "the body cannot be read"}
		}
		if len(body) > 0 {
			if err := json.Unmarshal(body, v.Addr().Interface()); err != nil {
				return HTTPError{http.StatusBadRequest, bodyFault(body, v.Type(), err)}
			}
		}
	}
	if len(r.fields) == 0 {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	var query url.Values
	for i := range r.fields {
		f := &r.fields[i]
		field := v.FieldByIndex(f.index)
		if !f.alsoBody {
			field.SetZero()
		}
		var values []string
		switch f.from {
		case "path":
			if value := req.PathValue(f.name); value != "" {
				values = []string{value}
			}
		case "query":
			if query == nil {
				query = req.URL.Query()
			}
			values = query[f.name]
		case "header":
			values = req.Header.Values(f.name)
		}
		if err := setText(field, values); err != nil {
			return HTTPError{http.StatusBadRequest, fmt.Sprintf("%s %q %s", sources[f.from], f.name, err)}
		}
	}
	return nil
}

// setText puts texts into a field; none leave it as it is.
func setText(v reflect.Value, values []string) error {
	switch {
	case len(values) == 0:
		return nil
	case v.Addr().Type().Implements(textUnmarshaler):
		text := v.Addr().Interface().(encoding.TextUnmarshaler) //nolint:forcetypeassert // it implements it
		if err := text.UnmarshalText([]byte(values[0])); err != nil {
			return fmt.Errorf("is %.60q, which is no %s", values[0], v.Type())
		}
		return nil
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return setText(v.Elem(), values)
	case v.Kind() == reflect.Slice:
		list := reflect.MakeSlice(v.Type(), len(values), len(values))
		for i := range values {
			if err := setText(list.Index(i), values[i:i+1]); err != nil {
				return err
			}
		}
		v.Set(list)
		return nil
	}
	return setBasic(v, values[0])
}

func setBasic(v reflect.Value, text string) error {
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(text)
		v.SetBool(b)
	case reflect.Float32, reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(f)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		var n uint64
		n, err = strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
	default:
		var n int64
		n, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
	}
	if err != nil {
		return fmt.Errorf("is %.60q, expected %s", text, jsonKind(v.Type()))
	}
	return nil
}

// bodyFault says what is wrong with a body, with the field.
func bodyFault(body []byte, t reflect.Type, err error) string {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("the body is not valid JSON, at byte %d: %s", syntax.Offset, strings.TrimPrefix(syntax.Error(), "json: "))
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return fmt.Sprintf("the field %q of the body is a JSON %s, expected %s", wrongType.Field, wrongType.Value, jsonKind(wrongType.Type))
	case errors.As(err, &wrongType):
		return fmt.Sprintf("the body is a JSON %s, expected %s", wrongType.Value, jsonKind(wrongType.Type))
	}
	// The type of a field reads JSON in its own way, and its error does not say which field it is.
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) == nil {
		names := make([]string, 0, len(fields))
		for name := range fields {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			alone, marshalErr := json.Marshal(map[string]json.RawMessage{name: fields[name]})
			if marshalErr == nil && json.Unmarshal(alone, reflect.New(t).Interface()) != nil {
				return fmt.Sprintf("the field %q of the body does not fit: %s", name, err)
			}
		}
	}
	return "the body does not fit: " + err.Error()
}

// jsonKind says what JSON a type takes.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number" + bits(t)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number of 0 or more" + bits(t)
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return t.String()
	}
}

func bits(t reflect.Type) string {
	if n := t.Bits(); n < 64 {
		return fmt.Sprintf(" of %d bits", n)
	}
	return ""
}
