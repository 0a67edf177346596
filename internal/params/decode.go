package params

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

// Decode sets the fields of the struct that task points to. Parameters that fields cannot
// hold go into its options: unknown ones, null, and values that a field would not send.
// The operation is ignored.
func Decode(task any, members map[string]json.RawMessage) error {
	v := reflect.ValueOf(task).Elem()
	s := schemaOf(v.Type())
	var problems []error
	options := map[string]any{}
	for _, name := range SortedKeys(members) {
		if name == "operation" {
			continue
		}
		if f := s.field(name); f != nil {
			field := v.Field(f.index)
			if err := set(field, name, f.unit(), members[name]); err != nil {
				problems = append(problems, err)
				continue
			}
			if !emptyValue(field) {
				continue
			}
		}
		value, err := strictjson.DecodeValue(members[name])
		if err != nil {
			problems = append(problems, fmt.Errorf("parameter %q %w", name, err))
		}
		options[name] = value
	}
	if len(options) > 0 {
		field := v.Field(s.options)
		field.Set(reflect.ValueOf(options).Convert(field.Type()))
	}
	return errors.Join(problems...)
}

// Set decodes a parameter into the variable that target points to. Null leaves the
// variable unchanged.
func Set(target any, name string, data []byte) error {
	return set(reflect.ValueOf(target).Elem(), name, time.Second, data)
}

func set(field reflect.Value, name string, unit time.Duration, data []byte) error {
	if strictjson.KindOf(data) == strictjson.Null {
		return nil
	}
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	value, err := decode(field.Interface(), name, unit, data)
	if err != nil {
		return fmt.Errorf("parameter %q %w", name, err)
	}
	field.Set(reflect.ValueOf(value).Convert(field.Type()))
	return nil
}

// decode decodes a parameter for a field that has a value of the type of like.
func decode(like any, name string, unit time.Duration, data []byte) (any, error) {
	switch like.(type) {
	case bool:
		return strictjson.DecodeBool(data)
	case int:
		return strictjson.DecodeInt(data)
	case float64:
		return strictjson.DecodeFloat(data)
	case time.Duration:
		return decodeDuration(data, unit)
	case []string:
		return strictjson.DecodeStrings(data)
	case map[string]any:
		return strictjson.DecodeMap(data, strictjson.DecodeValue)
	case map[string]string:
		return strictjson.DecodeMap(data, strictjson.DecodeString)
	default:
		if strictjson.KindOf(data) == strictjson.Number && slices.Contains(numericTexts, name) {
			return string(bytes.TrimSpace(data)), nil
		}
		return strictjson.DecodeString(data)
	}
}

// numericTexts are the text parameters that may look like numbers, and that some clients
// send as numbers.
var numericTexts = []string{"engine_version", "pages", "rotation", "timestamp", "variant"}

func decodeDuration(data []byte, unit time.Duration) (time.Duration, error) {
	count, err := strictjson.DecodeInt(data)
	if err != nil {
		return 0, err
	}
	duration := time.Duration(count) * unit
	if duration/unit != time.Duration(count) {
		return 0, fmt.Errorf("is too long: it must be at most %v", time.Duration(1<<63-1))
	}
	return duration, nil
}
