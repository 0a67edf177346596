package cloudconvert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
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
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if name == "operation" {
			continue
		}
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
			problems = append(problems, fmt.Errorf("parameter %q: %w", name, err))
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

func decodeString(data []byte) (text string, err error) {
	if kind := jsonKind(data); kind != aString {
		return "", fmt.Errorf("is %s: it must be %s", kind, aString)
	}
	return text, json.Unmarshal(data, &text)
}

func decodeBool(data []byte) (bool, error) {
	switch text := scalarText(data); text {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	default:
		return false, fmt.Errorf("is %s: it must be true or false", jsonKind(data))
	}
}

func decodeInt(data []byte) (int, error) {
	text := scalarText(data)
	if whole, err := strconv.Atoi(text); err == nil && isNumber(text) {
		return whole, nil
	}
	number, err := decodeFloat(data)
	if err != nil || number != math.Trunc(number) || math.Abs(number) >= 1<<53 {
		return 0, fmt.Errorf("is %s: it must be a whole number", jsonKind(data))
	}
	return int(number), nil
}

func decodeFloat(data []byte) (float64, error) {
	text := scalarText(data)
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !isNumber(text) {
		return 0, fmt.Errorf("is %s: it must be a number that a float64 can hold", jsonKind(data))
	}
	return number, nil
}

func decodeDuration(data []byte, unit time.Duration) (time.Duration, error) {
	count, err := decodeInt(data)
	if err != nil {
		return 0, err
	}
	duration := time.Duration(count) * unit
	if duration/unit != time.Duration(count) {
		return 0, fmt.Errorf("is too long: it must be at most %v", time.Duration(math.MaxInt64))
	}
	return duration, nil
}

func decodeStrings(data []byte) ([]string, error) {
	if jsonKind(data) != aList {
		text, err := decodeString(data)
		if text == "" {
			return nil, err
		}
		return []string{text}, err
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, err
	}
	texts := make([]string, len(entries))
	for i, entry := range entries {
		text, err := decodeString(entry)
		if err != nil {
			return nil, fmt.Errorf("contains %s: it must be a list of strings", jsonKind(entry))
		}
		texts[i] = text
	}
	return texts, nil
}

func decodeMap[T any](data []byte, decode func([]byte) (T, error)) (map[string]T, error) {
	var list []json.RawMessage
	if jsonKind(data) == aList && json.Unmarshal(data, &list) == nil && len(list) == 0 {
		return nil, nil //nolint:nilnil // PHP encodes an empty map as an empty list
	}
	members, err := objectMembers(data)
	if err != nil {
		return nil, err
	}
	values := make(map[string]T, len(members))
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if values[key], err = decode(members[key]); err != nil {
			return nil, fmt.Errorf("has a key %q that %w", key, err)
		}
	}
	return values, nil
}

// decodeValue decodes any value, so that it encodes as it was.
func decodeValue(data []byte, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("is nested more than %d deep", maxDepth)
	}
	switch jsonKind(data) {
	case anObject:
		return decodeMap(data, func(data []byte) (any, error) { return decodeValue(data, depth+1) })
	case aList:
		var entries []json.RawMessage
		if err := json.Unmarshal(data, &entries); err != nil {
			return nil, err
		}
		values := make([]any, len(entries))
		for i, entry := range entries {
			var err error
			if values[i], err = decodeValue(entry, depth+1); err != nil {
				return nil, err
			}
		}
		return values, nil
	case aNumber:
		literal := bytes.TrimSpace(data)
		var number float64
		if err := json.Unmarshal(literal, &number); err == nil {
			if encoded, err := json.Marshal(number); err == nil && bytes.Equal(encoded, literal) {
				return number, nil
			}
		}
		return json.Number(literal), nil
	default:
		var value any
		return value, json.Unmarshal(data, &value)
	}
}

// objectMembers returns the members of an object by their keys. None may occur
// twice: which of them counts would be for each reader to decide.
func objectMembers(data []byte) (map[string]json.RawMessage, error) {
	if kind := jsonKind(data); kind != anObject {
		return nil, fmt.Errorf("is %s: it must be %s", kind, anObject)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("is not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		if _, taken := members[key]; taken {
			return nil, fmt.Errorf("has the key %q twice: remove one", key)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		members[key] = value
	}
	return members, nil
}

// The kinds of JSON values, as errors name them.
const (
	anObject = "an object"
	aList    = "a list"
	aString  = "a string"
	aNumber  = "a number"
	aBoolean = "a boolean"
	aNull    = "null"
)

func jsonKind(data []byte) string {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return "nothing"
	}
	switch data[0] {
	case '{':
		return anObject
	case '[':
		return aList
	case '"':
		return aString
	case 't', 'f':
		return aBoolean
	case 'n':
		return aNull
	default:
		return aNumber
	}
}

func isNull(data []byte) bool { return jsonKind(data) == aNull }

// scalarText returns a number, a boolean or the content of a string.
func scalarText(data []byte) string {
	if text, err := decodeString(data); err == nil {
		return text
	}
	return string(bytes.TrimSpace(data))
}

// isNumber reports whether text is a number in JSON.
func isNumber(text string) bool { return jsonKind([]byte(text)) == aNumber && json.Valid([]byte(text)) }
