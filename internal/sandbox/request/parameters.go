package request

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
)

// MaxInline is the largest file of import/base64 and import/raw.
const MaxInline = 10 << 20

// parameters validates the parameters of a task.
func (p Problems) parameters(prefix string, op catalog.Operation, params map[string]any) {
	for _, known := range op.Params {
		p.Parameter(prefix+known.Name, known, params[known.Name])
	}
	for _, group := range op.OneOf {
		if !slices.ContainsFunc(group, func(name string) bool { return Present(params[name]) }) {
			p.Add(prefix+group[0], "The "+prefix+group[0]+" field is required when "+group[1]+" is not present.")
		}
	}
}

// Present returns false for values that the service treats as absent.
func Present(v any) bool { return v != nil && v != "" && !isEmpty(v) }

// Parameter validates a parameter.
func (p Problems) Parameter(field string, known catalog.Param, v any) {
	if !Present(v) {
		if known.Required {
			p.Required(field)
		}
		return
	}
	if message := problem(known, v); message != "" {
		p.Add(field, "The "+field+" "+message)
		return
	}
	if s, ok := Text(v); ok && len(known.Values) > 0 && !slices.Contains(known.Values, s) {
		p.Add(field, "The selected "+field+" is invalid.")
	}
}

// problem returns what is wrong with the type of a value. Numbers and booleans may be
// strings, and strings numbers.
func problem(k catalog.Param, v any) string {
	s, isText := Text(v)
	switch k.Kind {
	case catalog.WebURL:
		return unless(isText && isWebURL(s), "format is invalid.")
	case catalog.Number:
		f, err := strconv.ParseFloat(s, 64)
		return unless(err == nil && !math.IsNaN(f) && !math.IsInf(f, 0), "must be a number.")
	case catalog.Integer:
		_, err := strconv.Atoi(s)
		return unless(err == nil, "must be an integer.")
	case catalog.Boolean:
		_, ok := Bool(v)
		return unless(ok, "field must be true or false.")
	case catalog.Object:
		_, ok := v.(map[string]any)
		return unless(ok, "must be an object.")
	case catalog.Texts:
		_, ok := v.([]any)
		return unless(ok, "must be an array.")
	case catalog.Text:
		return cmp.Or(unless(isText, "must be a string."), tooLarge(k, s))
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
func tooLarge(k catalog.Param, s string) string {
	if k.Name == "file" && len(s) > MaxInline*4/3+4 {
		return "may not be greater than 10240 kilobytes."
	}
	return ""
}

// Text returns the text of a string or a number.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// Bool converts a value that stands for a boolean.
func Bool(v any) (value, ok bool) {
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
