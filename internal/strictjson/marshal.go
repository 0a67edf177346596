// Package strictjson encodes and decodes JSON without changing it: what encoding/json
// would replace, round or drop is kept, or is an error.
package strictjson

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Marshal encodes a value. It does not escape <, > and &, which are frequent in URLs.
// Text that is not UTF-8 is an error, and so is a value that contains itself.
func Marshal(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	encoded := bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	if err != nil || bytes.Contains(encoded, escapedReplacement) || bytes.Contains(encoded, replacement) {
		if err := Check("", v, nil); err != nil { // its error has the path of the value
			return nil, err
		}
	}
	switch {
	case err != nil:
		return nil, err
	case !utf8.Valid(encoded):
		return nil, errors.New("a value of the request has a MarshalJSON method that returns JSON that is not UTF-8 text")
	}
	return encoded, nil
}

// encoding/json replaces bytes that are not UTF-8 by these. Valid text may contain them
// too.
var (
	escapedReplacement = []byte(`\ufffd`)
	replacement        = []byte("\ufffd")
)

// maxDepth bounds the nesting of checked values. A value that contains itself exceeds it.
const maxDepth = 200

// maxPath bounds the length of the path of a value in an error.
const maxPath = 80

var (
	errNotText = errors.New("is not UTF-8 text, which is all that JSON can carry: convert it, or import the bytes of a file by ImportBase64 or an upload")
	errTooDeep = fmt.Errorf("contains itself, or is nested more than %d levels deep", maxDepth)
)

// Check returns an error if a value contains itself, or text that is not UTF-8, which
// encoding/json would replace. The error begins with the path of the value, which begins
// with name. Values with a MarshalJSON method are not checked.
//
// Check also calls refuse for v and the values within it, and returns the error that
// refuse returns.
func Check(name string, v any, refuse func(any) error) error {
	var path string
	var problem error
	switch v := v.(type) { // most parameters are one of these
	case nil, bool, int:
	case string:
		problem = checkText(v)
	default:
		path, problem = checker{refuse}.find(reflect.ValueOf(v), 0)
	}
	if problem == nil {
		return nil
	}
	path = strings.TrimPrefix(name+path, ".")
	if len(path) > maxPath {
		path = strings.ToValidUTF8(path[:maxPath], "") + "…"
	}
	return fmt.Errorf("%s %w", cmp.Or(path, "the request"), problem)
}

func checkText(text string) error {
	if !utf8.ValidString(text) {
		return errNotText
	}
	return nil
}

type checker struct{ refuse func(any) error }

// find returns the first problem in a value, and the path of that problem.
func (c checker) find(v reflect.Value, depth int) (path string, problem error) {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch {
	case !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil():
		return "", nil
	case depth > maxDepth:
		return "", errTooDeep
	}
	if encodes, problem := c.checkMarshaler(v); encodes || problem != nil {
		return "", problem
	}
	switch v.Kind() {
	case reflect.String:
		return "", checkText(v.String())
	case reflect.Pointer:
		return c.find(v.Elem(), depth+1)
	case reflect.Map:
		return c.findInMap(v, depth)
	case reflect.Slice, reflect.Array:
		return c.findInList(v, depth)
	case reflect.Struct:
		return c.findInStruct(v, depth)
	default:
		return "", nil
	}
}

// checkMarshaler reports whether a value encodes itself, and returns a problem with it.
func (c checker) checkMarshaler(v reflect.Value) (encodes bool, problem error) {
	if !v.CanInterface() {
		return false, nil // an unexported embedded struct: only its fields are encoded
	}
	if c.refuse != nil {
		if err := c.refuse(v.Interface()); err != nil {
			return false, err
		}
	}
	if _, ok := reflect.TypeAssert[json.Marshaler](v); ok {
		return true, nil
	}
	text, ok := reflect.TypeAssert[encoding.TextMarshaler](v)
	if !ok {
		return false, nil
	}
	if encoded, err := text.MarshalText(); err == nil && !utf8.Valid(encoded) {
		return true, errNotText
	}
	return true, nil
}

func (c checker) findInMap(v reflect.Value, depth int) (path string, problem error) {
	for key, value := range v.Seq2() {
		if _, problem := c.find(key, depth+1); problem != nil {
			return fmt.Sprintf(".%q", key), problem
		}
		if path, problem := c.find(value, depth+1); problem != nil {
			return fmt.Sprintf(".%v%s", key, path), problem
		}
	}
	return "", nil
}

func (c checker) findInList(v reflect.Value, depth int) (path string, problem error) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return "", nil // it is sent as base64 or as numbers
	}
	for i := range v.Len() {
		if path, problem := c.find(v.Index(i), depth+1); problem != nil {
			return "[" + strconv.Itoa(i) + "]" + path, problem
		}
	}
	return "", nil
}

func (c checker) findInStruct(v reflect.Value, depth int) (path string, problem error) {
	for field, value := range v.Fields() {
		tag := field.Tag.Get("json")
		if !field.IsExported() && !field.Anonymous || tag == "-" {
			continue
		}
		if path, problem := c.find(value, depth+1); problem != nil {
			name, _, _ := strings.Cut(tag, ",")
			return "." + cmp.Or(name, field.Name) + path, problem
		}
	}
	return "", nil
}
