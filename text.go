package cloudconvert

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checkText refuses a value with text that is not UTF-8, which package json would
// replace by another text without an error. Of values that encode themselves as
// JSON, only what comes of it can be checked.
func checkText(value any) error {
	path, found := findBrokenText(reflect.ValueOf(value), 0)
	if !found {
		return nil
	}
	return fmt.Errorf("%s is not UTF-8 text, which is all that JSON can carry: convert it, or import the bytes of a file by ImportBase64 or an upload",
		or(strings.TrimPrefix(path, "."), "the request"))
}

// errBrokenJSON says the same of what a value has encoded itself as.
var errBrokenJSON = errors.New("a value of the request has encoded itself as JSON that is not UTF-8 text")

// findBrokenText returns where in a value there is text that is not UTF-8, and
// whether there is any.
func findBrokenText(v reflect.Value, depth int) (path string, found bool) {
	if !v.IsValid() || depth > maxDepth {
		return "", false // the latter cannot be encoded anyway
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return "", false
	}
	if _, ok := reflect.TypeAssert[json.Marshaler](v); ok {
		return "", false
	}
	if text, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok {
		encoded, err := text.MarshalText()
		return "", err == nil && !utf8.Valid(encoded)
	}
	switch v.Kind() {
	case reflect.String:
		return "", !utf8.ValidString(v.String())
	case reflect.Interface, reflect.Pointer:
		return findBrokenText(v.Elem(), depth+1)
	case reflect.Map:
		return findBrokenEntry(v, depth)
	case reflect.Slice, reflect.Array:
		return findBrokenElement(v, depth)
	case reflect.Struct:
		return findBrokenField(v, depth)
	default:
		return "", false
	}
}

func findBrokenEntry(v reflect.Value, depth int) (path string, found bool) {
	for key, value := range v.Seq2() {
		if _, found := findBrokenText(key, depth+1); found {
			return fmt.Sprintf(".the name %q", key), true
		}
		if path, found := findBrokenText(value, depth+1); found {
			return fmt.Sprintf(".%v%s", key, path), true
		}
	}
	return "", false
}

func findBrokenElement(v reflect.Value, depth int) (path string, found bool) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return "", false // it is sent as base64 or as numbers
	}
	for i := range v.Len() {
		if path, found := findBrokenText(v.Index(i), depth+1); found {
			return "[" + strconv.Itoa(i) + "]" + path, true
		}
	}
	return "", false
}

func findBrokenField(v reflect.Value, depth int) (path string, found bool) {
	for field, value := range v.Fields() {
		tag := field.Tag.Get("json")
		if !field.IsExported() && !field.Anonymous || tag == "-" {
			continue
		}
		if path, found := findBrokenText(value, depth+1); found {
			name, _, _ := strings.Cut(tag, ",")
			return "." + or(name, field.Name) + path, true
		}
	}
	return "", false
}
