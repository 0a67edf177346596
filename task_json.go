package cloudconvert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// UnmarshalJSON reads a job as the Job Builder of the service and other clients
// write it, see [Tasks.UnmarshalJSON].
func (r *JobRequest) UnmarshalJSON(data []byte) error {
	members, err := objectMembers(data)
	if err != nil {
		return invalid(fmt.Errorf("the job %w", err))
	}
	var request JobRequest
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(members)) {
		var err error
		switch name {
		case "tasks":
			request.Tasks, err = decodeTasks(members[name])
		case "tag":
			err = parameter{name: name, value: reflect.ValueOf(&request.Tag).Elem()}.set(members[name])
		case "webhook_url":
			err = parameter{name: name, value: reflect.ValueOf(&request.WebhookURL).Elem()}.set(members[name])
		case "redirect":
			err = parameter{name: name, value: reflect.ValueOf(&request.Redirect).Elem()}.set(members[name])
		default:
			err = fmt.Errorf("field %q of the job is unknown", name)
		}
		if err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return invalid(problems...)
	}
	*r = request
	return nil
}

// UnmarshalJSON reads each task into the struct of its operation, and tasks of
// operations without a struct into a [RawTask].
//
// Numbers and booleans may also be strings, and a list of one string may be that
// string. What a field does not hold goes into Options and is encoded again: unknown
// parameters, null, and values that a field does not send, such as false. There, a
// number is a float64, or a [json.Number] if a float64 would be written differently.
// A key that occurs twice, a value of the wrong type and a missing operation are
// errors, which match [ErrInvalid].
func (t *Tasks) UnmarshalJSON(data []byte) error {
	tasks, err := decodeTasks(data)
	if err != nil {
		return invalid(err)
	}
	*t = tasks
	return nil
}

func decodeTasks(data []byte) (Tasks, error) {
	if isNull(data) {
		return nil, nil //nolint:nilnil // as encoding/json decodes null into a map
	}
	members, err := objectMembers(data)
	if err != nil {
		return nil, fmt.Errorf("field %q %w", "tasks", err)
	}
	tasks := make(Tasks, len(members))
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if tasks[name], err = decodeTask(members[name]); err != nil {
			problems = append(problems, fmt.Errorf("task %q: %w", name, err))
		}
	}
	return tasks, errors.Join(problems...)
}

// decodeTask reads a task of any operation.
func decodeTask(data []byte) (TaskRequest, error) {
	members, err := objectMembers(data)
	if err != nil {
		return nil, fmt.Errorf("the task %w", err)
	}
	operation, err := operationIn(members)
	if err != nil {
		return nil, err
	}
	var model TaskRequest = RawTask{}
	if i := slices.IndexFunc(taskModels, func(t TaskRequest) bool { return t.Operation() == operation }); i >= 0 {
		model = taskModels[i]
	}
	task := reflect.New(reflect.TypeOf(model)).Elem()
	if err := setTask(task, operation, members); err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	decoded, _ := reflect.TypeAssert[TaskRequest](task)
	return decoded, nil
}

// unmarshalTask reads a task into a pointer to the struct of its operation. The
// operation may be left out, except for a [RawTask].
func unmarshalTask(data []byte, t TaskRequest) error {
	members, err := objectMembers(data)
	if err != nil {
		return invalid(fmt.Errorf("the task %w", err))
	}
	target := reflect.ValueOf(t).Elem()
	task := reflect.New(target.Type()).Elem()
	model, _ := reflect.TypeAssert[TaskRequest](task)
	operation := model.Operation()
	if _, given := members["operation"]; given || operation == "" {
		found, err := operationIn(members)
		if err == nil && operation != "" && found != operation {
			err = fmt.Errorf("operation %q is not %q", found, operation)
		}
		if err != nil {
			return invalid(err)
		}
		operation = found
	}
	if err := setTask(task, operation, members); err != nil {
		return invalid(fmt.Errorf("%s: %w", operation, err))
	}
	target.Set(task)
	return nil
}

func operationIn(members map[string]json.RawMessage) (operation Operation, err error) {
	p := parameter{name: "operation", value: reflect.ValueOf(&operation).Elem()}
	if data := members["operation"]; data != nil {
		err = p.set(data)
	}
	if err == nil && operation == "" {
		err = fmt.Errorf("parameter %q is missing", p.name)
	}
	return operation, err
}

// setTask sets the fields of a task struct. What they do not hold goes into its
// options.
func setTask(task reflect.Value, operation Operation, members map[string]json.RawMessage) error {
	fields := map[string]parameter{}
	t, _ := reflect.TypeAssert[TaskRequest](task.Addr())
	for _, p := range parameters(t) {
		fields[p.name] = p
	}
	var problems []error
	others := map[string]any{}
	delete(members, "operation")
	for _, name := range slices.Sorted(maps.Keys(members)) {
		p, typed := fields[name]
		if typed {
			if err := p.set(members[name]); err != nil {
				problems = append(problems, err)
				continue
			}
		}
		if typed && !isEmpty(p.value.Interface()) {
			continue
		}
		value, err := decodeValue(members[name], 0)
		if err != nil {
			problems = append(problems, fmt.Errorf("parameter %q %w", name, err))
		}
		others[name] = value
	}
	if raw, ok := reflect.TypeAssert[*RawTask](task.Addr()); ok {
		raw.Op = operation
	}
	if len(others) > 0 {
		*optionsField(task) = others
	}
	return errors.Join(problems...)
}

// optionsField returns the field of a task struct that holds what its other
// fields do not.
func optionsField(task reflect.Value) *map[string]any {
	if raw, ok := reflect.TypeAssert[*RawTask](task.Addr()); ok {
		return &raw.Fields
	}
	options, _ := reflect.TypeAssert[*Options](task.FieldByName("Options").Addr())
	return (*map[string]any)(options)
}

// set decodes a value into the field of the parameter. Null leaves it as it is.
func (p parameter) set(data []byte) error {
	if isNull(data) {
		return nil
	}
	field := p.value
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	value, err := p.decode(field.Interface(), data)
	if err != nil {
		return fmt.Errorf("parameter %q %w", p.name, err)
	}
	field.Set(reflect.ValueOf(value).Convert(field.Type()))
	return nil
}

// decode returns the value for a field that holds a value like the given one.
func (p parameter) decode(like any, data []byte) (any, error) {
	switch like.(type) {
	case bool:
		return decodeBool(data)
	case int:
		return decodeInt(data)
	case float64:
		return decodeFloat(data)
	case time.Duration:
		return decodeDuration(data, p.unit())
	case []string:
		return decodeStrings(data)
	case map[string]any:
		return decodeMap[any](data, func(data []byte) (any, error) { return decodeValue(data, 1) })
	case map[string]string:
		return decodeMap(data, decodeString)
	default:
		if jsonKind(data) == aNumber && slices.Contains(numericTexts, p.name) {
			return string(bytes.TrimSpace(data)), nil
		}
		return decodeString(data)
	}
}

// numericTexts are the parameters whose text may look like a number, and which
// some clients send as one.
var numericTexts = []string{"engine_version", "pages", "rotation", "timestamp", "variant"}
