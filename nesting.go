package cloudconvert

import (
	"encoding"
	"encoding/json"
	"reflect"
)

// maxDepth is how deep the value of a parameter may be nested. Those that the
// operations are known to take have one level.
const maxDepth = 100

// isTooDeep tells whether a value is nested deeper than maxDepth, as one that
// contains itself is. Such a one cannot be encoded, and with a task in it the
// attempt would not end.
func isTooDeep(v reflect.Value, depth int) bool {
	if !v.IsValid() || depth > maxDepth {
		return v.IsValid()
	}
	if task, ok := reflect.TypeAssert[TaskRequest](v); ok && !isNil(task) {
		return isTaskTooDeep(task, depth)
	}
	if encodesItself(v) {
		return false // what that comes to is not to be seen from here
	}
	switch v.Kind() {
	case reflect.Interface:
		return isTooDeep(v.Elem(), depth)
	case reflect.Pointer:
		return isTooDeep(v.Elem(), depth+1)
	case reflect.Map, reflect.Slice, reflect.Array:
		return v.Type().Elem().Kind() != reflect.Uint8 && isEntryTooDeep(v, depth)
	case reflect.Struct:
		return isFieldTooDeep(v, depth)
	default:
		return false
	}
}

func isTaskTooDeep(t TaskRequest, depth int) bool {
	for _, p := range parameters(t) {
		if isTooDeep(p.value, depth+1) {
			return true
		}
	}
	return isTooDeep(reflect.ValueOf(options(t)), depth+1)
}

func isEntryTooDeep(v reflect.Value, depth int) bool {
	for _, entry := range v.Seq2() {
		if isTooDeep(entry, depth+1) {
			return true
		}
	}
	return false
}

func isFieldTooDeep(v reflect.Value, depth int) bool {
	for field, value := range v.Fields() {
		if field.IsExported() && field.Tag.Get("json") != "-" && isTooDeep(value, depth+1) {
			return true
		}
	}
	return false
}

// encodesItself tells whether package json leaves the encoding of a value to the
// value.
func encodesItself(v reflect.Value) bool {
	_, asJSON := reflect.TypeAssert[json.Marshaler](v)
	_, asText := reflect.TypeAssert[encoding.TextMarshaler](v)
	return asJSON || asText
}
