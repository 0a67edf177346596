package cloudconvert

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// A parameter is one field of a task struct. The struct tag `json` gives its
// name on the wire. The tag `task` says what else is known about it: "required",
// "input" for the names of other tasks, "one=group" for a group of which at
// least one must be set, "milliseconds" for a duration that is not sent in
// seconds.
type parameter struct {
	name  string
	field string
	value reflect.Value
	rules []string
}

// is reports whether the parameter has a rule.
func (p parameter) is(rule string) bool { return slices.Contains(p.rules, rule) }

// wire returns the value as it is sent: durations are whole numbers of a unit.
func (p parameter) wire() (any, error) {
	value := p.value.Interface()
	duration, ok := value.(time.Duration)
	if !ok {
		return value, nil
	}
	unit := p.unit()
	if duration%unit != 0 {
		return nil, fmt.Errorf("parameter %q (field %s) is %v, which is no multiple of %v: round it",
			p.name, p.field, duration, unit)
	}
	return int64(duration / unit), nil
}

// unit returns the unit of a duration.
func (p parameter) unit() time.Duration {
	if p.is("milliseconds") {
		return time.Millisecond
	}
	return time.Second
}

// parameters lists the typed parameters of a task in the order of its fields.
func parameters(t TaskRequest) []parameter {
	var list []parameter
	for field, value := range structOf(t).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		rules := strings.Split(field.Tag.Get("task"), ",")
		list = append(list, parameter{name: name, field: field.Name, value: value, rules: rules})
	}
	return list
}

// options returns the parameters of a task that are not fields of its struct.
func options(t TaskRequest) map[string]any {
	v := structOf(t)
	if raw, ok := reflect.TypeAssert[RawTask](v); ok {
		return raw.Fields
	}
	field := v.FieldByName("Options")
	if !field.IsValid() {
		return nil
	}
	options, _ := reflect.TypeAssert[Options](field)
	return options
}

var (
	taskType   = reflect.TypeFor[TaskRequest]()
	ownPackage = reflect.TypeFor[RawTask]().PkgPath()
)

// structOf returns the struct behind a task, and the zero Value for a nil one,
// which nothing else here expects: see isNil. The only tasks that are not of this
// package are those that embed one of it.
func structOf(t TaskRequest) reflect.Value {
	v := reflect.Indirect(reflect.ValueOf(t))
	if !v.IsValid() || v.Type().PkgPath() == ownPackage {
		return v
	}
	for field, value := range v.Fields() {
		if field.Anonymous && field.IsExported() && field.Type.Implements(taskType) {
			embedded, _ := reflect.TypeAssert[TaskRequest](value)
			return structOf(embedded)
		}
	}
	return v
}

// textsOf returns the strings in a string, a []string or a []any.
func textsOf(value any) []string {
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

// marshalTask encodes a task as one flat object with sorted keys.
func marshalTask(t TaskRequest) ([]byte, error) {
	body, problems := taskBody(t, parameters(t))
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", t.Operation(), errors.Join(problems...))
	}
	return encodeJSON(body)
}

// taskBody returns everything that is sent for a task by parameter name, and
// what cannot be sent.
func taskBody(t TaskRequest, typed []parameter) (body map[string]any, problems []error) {
	body = map[string]any{"operation": t.Operation()}
	fields := map[string]string{"operation": "Operation"}
	for _, p := range typed {
		if isEmpty(p.value.Interface()) {
			continue
		}
		value, err := p.wire()
		if err != nil {
			problems = append(problems, err)
		}
		body[p.name] = value
		fields[p.name] = p.field
	}
	extra := options(t)
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if field, taken := fields[name]; taken {
			problems = append(problems, fmt.Errorf("parameter %q is set twice, by %s and in the options: remove one",
				name, field))
			continue
		}
		body[name] = extra[name]
	}
	if err := checkParameters(body); err != nil {
		problems = append(problems, fmt.Errorf("parameter %w", err))
	}
	return body, problems
}

// taskReading is all there is to know of a task before it is sent.
type taskReading struct {
	body     map[string]any // what is sent, by parameter name
	inputs   []string       // the tasks whose files it takes
	problems []error        // what is wrong with its parameters
}

// readTask looks through a task once.
func readTask(t TaskRequest) taskReading {
	typed := parameters(t)
	body, problems := taskBody(t, typed)
	for _, p := range typed {
		if p.is("required") && isEmpty(body[p.name]) {
			problems = append(problems, fmt.Errorf("parameter %q (field %s) is missing", p.name, p.field))
		}
	}
	for _, names := range choices(typed) {
		given := func(name string) bool { return !isEmpty(body[name]) }
		if !slices.ContainsFunc(names, given) {
			problems = append(problems, fmt.Errorf("one of the parameters %s is needed", strings.Join(names, ", ")))
		}
	}
	problems = append(problems, hopeless(t.Operation(), body)...)
	for i, problem := range problems {
		problems[i] = fmt.Errorf("%s: %w", t.Operation(), problem)
	}
	return taskReading{body: body, inputs: inputs(typed, body), problems: problems}
}

// inputs returns the names of the tasks that a task takes files from.
func inputs(typed []parameter, body map[string]any) []string {
	names := textsOf(body["input"])
	for _, p := range typed {
		if p.is("input") && p.name != "input" {
			names = append(slices.Clone(names), textsOf(body[p.name])...)
		}
	}
	return names
}

// choices lists the groups of parameters of which at least one must be set.
func choices(typed []parameter) [][]string {
	groups := map[string][]string{}
	for _, p := range typed {
		for _, rule := range p.rules {
			if group, ok := strings.CutPrefix(rule, "one="); ok {
				groups[group] = append(groups[group], p.name)
			}
		}
	}
	var list [][]string
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		list = append(list, groups[group])
	}
	return list
}

// isEmpty reports whether a parameter was not given.
func isEmpty(value any) bool {
	v := reflect.ValueOf(value)
	if !v.IsValid() || v.IsZero() {
		return true
	}
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}
