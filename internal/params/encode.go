// Package params converts the structs of tasks to the parameters that are sent, and back.
//
// Two tags describe the fields of such a struct. The tag `json` is the name of the
// parameter. The tag `task` is a list of: "required"; "input", for the names of other
// tasks; "one=GROUP", for a group of which at least one must be set; and "milliseconds",
// for a duration that is not sent in seconds. A field of type map[string]any without a
// name holds further parameters.
package params

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

// A Task is an encoded task.
type Task struct {
	// Params are all parameters by name, including the operation.
	Params map[string]any
	// Inputs are the names of the tasks whose files the task takes.
	Inputs []string
	// Broken holds an error for each parameter that cannot be encoded.
	Broken []error
	// Rejected holds an error for each parameter that is missing, or whose value cannot
	// work.
	Rejected []error
}

// Encode encodes a task struct. It calls refuse for the values of parameters, at any
// depth. If refuse returns an error, the parameter is in Broken.
func Encode(operation string, task any, refuse func(any) error) Task {
	v := reflect.ValueOf(task)
	s := schemaOf(v.Type())
	t := Task{Params: make(map[string]any, 4)}
	set := func(name string, value any) {
		t.Params[name] = value
		if err := strictjson.Check(name, value, refuse); err != nil {
			t.Broken = append(t.Broken, fmt.Errorf("parameter %w", err))
		}
	}
	set("operation", operation)
	for _, f := range s.fields {
		field := v.Field(f.index)
		if emptyValue(field) {
			continue
		}
		value, err := f.encode(field)
		if err != nil {
			t.Broken = append(t.Broken, err)
			continue
		}
		set(f.name, value)
	}
	options := s.optionsOf(v)
	for _, name := range SortedKeys(options) {
		if _, taken := t.Params[name]; taken {
			t.Broken = append(t.Broken, fmt.Errorf("parameter %q is set twice, by %s and in the options: remove one", name, s.fieldOf(name)))
			continue
		}
		if !utf8.ValidString(name) {
			t.Broken = append(t.Broken, fmt.Errorf("parameter %w", strictjson.Check(strconv.Quote(name), name, nil)))
			continue
		}
		set(name, options[name])
	}
	t.Inputs = s.inputs(t.Params)
	t.Rejected = append(s.missing(t.Params), checkValues(operation, t.Params)...)
	return t
}

// A schema describes the fields of a struct. It is built once for each type.
type schema struct {
	fields  []field
	options int        // index of the field with further parameters, or -1
	groups  [][]string // names of which at least one must be set
}

type field struct {
	index        int
	name         string // of the parameter
	goName       string
	required     bool
	input        bool
	milliseconds bool
}

// unit returns the unit in which a duration is sent.
func (f field) unit() time.Duration {
	if f.milliseconds {
		return time.Millisecond
	}
	return time.Second
}

var schemas sync.Map // reflect.Type to *schema

func schemaOf(t reflect.Type) *schema {
	if known, ok := schemas.Load(t); ok {
		return known.(*schema) //nolint:forcetypeassert,errcheck // nothing else is stored
	}
	s := &schema{options: -1}
	groups := map[string][]string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			if f.Type.ConvertibleTo(optionsType) {
				s.options = i
			}
			continue
		}
		rules := strings.Split(f.Tag.Get("task"), ",")
		s.fields = append(s.fields, field{
			index: i, name: name, goName: f.Name, milliseconds: slices.Contains(rules, "milliseconds"),
			required: slices.Contains(rules, "required"), input: slices.Contains(rules, "input"),
		})
		for _, rule := range rules {
			if group, ok := strings.CutPrefix(rule, "one="); ok {
				groups[group] = append(groups[group], name)
			}
		}
	}
	for _, group := range SortedKeys(groups) {
		s.groups = append(s.groups, groups[group])
	}
	schemas.Store(t, s)
	return s
}

var optionsType = reflect.TypeFor[map[string]any]()

// optionsOf returns the further parameters of a task.
func (s *schema) optionsOf(v reflect.Value) map[string]any {
	if s.options < 0 {
		return nil
	}
	options, _ := reflect.TypeAssert[map[string]any](v.Field(s.options).Convert(optionsType))
	return options
}

// field returns the field of a parameter, or nil if there is none.
func (s *schema) field(name string) *field {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i]
		}
	}
	return nil
}

// fieldOf returns the name of the field that sets a parameter.
func (s *schema) fieldOf(name string) string {
	if f := s.field(name); f != nil {
		return f.goName
	}
	return "Operation"
}

// encode returns the value that is sent. A duration must be a whole number of units.
func (f field) encode(v reflect.Value) (any, error) {
	duration, ok := reflect.TypeAssert[time.Duration](v)
	if !ok {
		return v.Interface(), nil
	}
	if duration%f.unit() != 0 {
		return nil, fmt.Errorf("parameter %q (field %s) is %v, which is not a multiple of %v: round it", f.name, f.goName, duration, f.unit())
	}
	return int64(duration / f.unit()), nil
}

// inputs returns the names of the tasks whose files a task takes.
func (s *schema) inputs(params map[string]any) []string {
	names := Texts(params["input"])
	for _, f := range s.fields {
		if f.input && f.name != "input" {
			names = append(slices.Clone(names), Texts(params[f.name])...)
		}
	}
	return names
}

// missing returns an error for each required parameter that is not set.
func (s *schema) missing(params map[string]any) (problems []error) {
	for _, f := range s.fields {
		if !f.required || !Empty(params[f.name]) {
			continue
		}
		hint := ""
		if f.name == "input" {
			hint = ": name other tasks or, in a Pipeline, put a source or an import first"
		}
		problems = append(problems, fmt.Errorf("parameter %q (field %s) is missing%s", f.name, f.goName, hint))
	}
	for _, names := range s.groups {
		if !slices.ContainsFunc(names, func(name string) bool { return !Empty(params[name]) }) {
			problems = append(problems, fmt.Errorf("one of the parameters %s is needed", strings.Join(names, ", ")))
		}
	}
	return problems
}

// HasField reports whether a task struct has a field for a parameter.
func HasField(task any, name string) bool {
	return schemaOf(reflect.TypeOf(task)).field(name) != nil
}

// References returns the names of tasks in parameters other than "input".
func References(task any) (names []string) {
	v := reflect.ValueOf(task)
	s := schemaOf(v.Type())
	for _, f := range s.fields {
		if !f.input || f.name == "input" {
			continue
		}
		names = append(names, Texts(v.Field(f.index).Interface())...)
		names = append(names, Texts(s.optionsOf(v)[f.name])...)
	}
	return names
}

// WithInput returns a copy of a task struct that takes its input from the named tasks. If
// its input is already set, it returns the task itself. If the struct has no field for
// the input, it is set as an option.
func WithInput(task any, names []string) any {
	v := reflect.ValueOf(task)
	s := schemaOf(v.Type())
	options, f := s.optionsOf(v), s.field("input")
	if !Empty(options["input"]) || f != nil && v.Field(f.index).Len() > 0 {
		return task
	}
	linked := reflect.New(v.Type()).Elem()
	linked.Set(v)
	if f != nil {
		linked.Field(f.index).Set(reflect.ValueOf(names))
		return linked.Interface()
	}
	extended := map[string]any{}
	maps.Copy(extended, options)
	extended["input"] = names
	linked.Field(s.options).Set(reflect.ValueOf(extended).Convert(linked.Field(s.options).Type()))
	return linked.Interface()
}

// Empty reports whether a parameter is not set.
func Empty(value any) bool {
	return value == nil || emptyValue(reflect.ValueOf(value))
}

func emptyValue(v reflect.Value) bool {
	return v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

// Text returns the string in a value of any string type, and "" for other values.
func Text(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

// Texts returns the strings in a string, a []string or a []any.
func Texts(value any) []string {
	switch value := value.(type) {
	case string:
		if value != "" {
			return []string{value}
		}
	case []string:
		return value
	case []any:
		var texts []string
		for _, entry := range value {
			if text, ok := entry.(string); ok && text != "" {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}
