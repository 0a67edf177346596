package cloudconvert

import (
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

// maxDepth is how deep a value may be nested to be encoded. A value that contains
// itself is nested deeper.
const maxDepth = 200

// maxPath is how long the path of a value in an error may be.
const maxPath = 80

// What is wrong with a value, after its path.
var (
	errNotText = errors.New("is not UTF-8 text, which is all that JSON can carry: convert it, or import the bytes of a file by ImportBase64 or an upload")
	errIsTask  = errors.New("is a task: add it to the tasks of the job, and set the parameter to its name")
	errTooDeep = fmt.Errorf("contains itself, or is nested more than %d levels deep", maxDepth)
)

// errBrokenJSON is errNotText for a value that encodes itself.
var errBrokenJSON = errors.New("a value of the request has encoded itself as JSON that is not UTF-8 text")

// checkText refuses a value with text that is not UTF-8, which encoding/json would
// replace without an error, and a value that contains itself. Values that encode
// themselves as JSON are not checked.
func checkText(value any) error { return valueCheck{}.run(value) }

// checkParameters refuses the same, and tasks within parameters: one that contains
// itself would be encoded without end, because encoding/json starts anew with each
// [json.Marshaler].
func checkParameters(body map[string]any) error { return valueCheck{refuseTasks: true}.run(body) }

type valueCheck struct{ refuseTasks bool }

func (c valueCheck) run(value any) error {
	path, problem := c.find(reflect.ValueOf(value), 0)
	if problem == nil {
		return nil
	}
	path = strings.TrimPrefix(path, ".")
	if len(path) > maxPath {
		path = strings.ToValidUTF8(path[:maxPath], "") + "…"
	}
	return fmt.Errorf("%s %w", cmp.Or(path, "the request"), problem)
}

// find returns the first problem in a value, and its path.
func (c valueCheck) find(v reflect.Value, depth int) (path string, problem error) {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch {
	case !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil():
		return "", nil
	case depth > maxDepth:
		return "", errTooDeep
	}
	if encodes, problem := c.checkMarshaler(v); encodes {
		return "", problem
	}
	switch v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return "", errNotText
		}
		return "", nil
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

// checkMarshaler reports whether a value encodes itself, and what is wrong with it then.
func (c valueCheck) checkMarshaler(v reflect.Value) (encodes bool, problem error) {
	if !v.CanInterface() {
		return false, nil // an unexported embedded struct, of which only the fields are encoded
	}
	if _, ok := reflect.TypeAssert[TaskRequest](v); ok && c.refuseTasks {
		return true, errIsTask
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

func (c valueCheck) findInMap(v reflect.Value, depth int) (path string, problem error) {
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

func (c valueCheck) findInList(v reflect.Value, depth int) (path string, problem error) {
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

func (c valueCheck) findInStruct(v reflect.Value, depth int) (path string, problem error) {
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
