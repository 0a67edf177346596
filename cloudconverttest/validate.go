package cloudconverttest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// maxInline is the largest file of import/base64 and import/raw.
const maxInline = 10 << 20

// parameters validates the parameters of a task.
func (p problems) parameters(prefix string, op operation, params map[string]any) {
	for _, known := range op.params {
		p.parameter(prefix+known.name, known, params[known.name])
	}
	for _, group := range op.oneOf {
		if !slices.ContainsFunc(group, func(name string) bool { return present(params[name]) }) {
			p.add(prefix+group[0], "The "+prefix+group[0]+" field is required when "+group[1]+" is not present.")
		}
	}
}

// present returns false for values that the service treats as absent.
func present(v any) bool { return v != nil && v != "" && !isEmpty(v) }

func (p problems) parameter(field string, known param, v any) {
	if !present(v) {
		if known.required {
			p.required(field)
		}
		return
	}
	if message := known.problem(v); message != "" {
		p.add(field, "The "+field+" "+message)
		return
	}
	if s, ok := asText(v); ok && len(known.values) > 0 && !slices.Contains(known.values, s) {
		p.add(field, "The selected "+field+" is invalid.")
	}
}

// problem returns what is wrong with the type of a value. Numbers and booleans may be
// strings, and strings numbers.
func (k param) problem(v any) string {
	s, isText := asText(v)
	switch k.kind {
	case webURL:
		return unless(isText && isWebURL(s), "format is invalid.")
	case number:
		_, err := strconv.ParseFloat(s, 64)
		return unless(err == nil, "must be a number.")
	case integer:
		_, err := strconv.Atoi(s)
		return unless(err == nil, "must be an integer.")
	case boolean:
		_, ok := asBool(v)
		return unless(ok, "field must be true or false.")
	case object:
		_, ok := v.(map[string]any)
		return unless(ok, "must be an object.")
	case texts:
		_, ok := v.([]any)
		return unless(ok, "must be an array.")
	case text:
		return cmp.Or(unless(isText, "must be a string."), k.tooLarge(s))
	}
	return ""
}

func unless(ok bool, message string) string {
	if ok {
		return ""
	}
	return message
}

// tooLarge applies to files within a request.
func (k param) tooLarge(s string) string {
	if k.name == "file" && len(s) > maxInline*4/3+4 {
		return "may not be greater than 10240 kilobytes."
	}
	return ""
}

// asText returns the text of a string or a number.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// asBool converts a value that stands for a boolean.
func asBool(v any) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		b, err := strconv.ParseBool(strings.ToLower(v))
		return b, err == nil
	case json.Number:
		b, err := strconv.ParseBool(v.String())
		return b, err == nil
	}
	return false, false
}
