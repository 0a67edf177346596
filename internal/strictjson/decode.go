package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The kinds of JSON values, as errors name them.
const (
	Object  = "an object"
	List    = "a list"
	Text    = "a string"
	Number  = "a number"
	Boolean = "a boolean"
	Null    = "null"
)

// KindOf returns the kind of a JSON value.
func KindOf(data []byte) string {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return "nothing"
	}
	switch data[0] {
	case '{':
		return Object
	case '[':
		return List
	case '"':
		return Text
	case 't', 'f':
		return Boolean
	case 'n':
		return Null
	default:
		return Number
	}
}

// The errors of the functions below begin with a verb. Callers add the name of the value.

// Members returns the members of an object by key. A repeated key is an error, because
// programs differ in which value they use.
func Members(data []byte) (map[string]json.RawMessage, error) {
	if kind := KindOf(data); kind != Object {
		return nil, fmt.Errorf("is %s: it must be %s", kind, Object)
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

// DecodeString decodes a string.
func DecodeString(data []byte) (text string, err error) {
	if kind := KindOf(data); kind != Text {
		return "", fmt.Errorf("is %s: it must be %s", kind, Text)
	}
	return text, json.Unmarshal(data, &text)
}

// DecodeBool decodes a boolean, the number 0 or 1, or a string with one of these.
func DecodeBool(data []byte) (bool, error) {
	switch text := ScalarText(data); text {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	default:
		return false, fmt.Errorf("is %s: it must be true or false", KindOf(data))
	}
}

// DecodeInt decodes a whole number, or a string with one.
func DecodeInt(data []byte) (int, error) {
	text := ScalarText(data)
	if whole, err := strconv.Atoi(text); err == nil && json.Valid([]byte(text)) {
		return whole, nil
	}
	number, err := DecodeFloat(data)
	if err != nil || number != math.Trunc(number) || math.Abs(number) >= 1<<53 {
		return 0, fmt.Errorf("is %s: it must be a whole number", KindOf(data))
	}
	return int(number), nil
}

// DecodeFloat decodes a number, or a string with one.
func DecodeFloat(data []byte) (float64, error) {
	text := ScalarText(data)
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !json.Valid([]byte(text)) {
		return 0, fmt.Errorf("is %s: it must be a number that a float64 can hold", KindOf(data))
	}
	return number, nil
}

// ScalarText returns the text of a number or boolean, or the value of a string.
func ScalarText(data []byte) string {
	if text, err := DecodeString(data); err == nil {
		return text
	}
	return string(bytes.TrimSpace(data))
}

// DecodeStrings decodes a list of strings, or a string as a list of one. An empty string
// is an empty list.
func DecodeStrings(data []byte) ([]string, error) {
	if KindOf(data) != List {
		text, err := DecodeString(data)
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
		text, err := DecodeString(entry)
		if err != nil {
			return nil, fmt.Errorf("contains %s: it must be a list of strings", KindOf(entry))
		}
		texts[i] = text
	}
	return texts, nil
}

// DecodeMap decodes an object, and each of its values with decode.
func DecodeMap[T any](data []byte, decode func([]byte) (T, error)) (map[string]T, error) {
	var list []json.RawMessage
	if KindOf(data) == List && json.Unmarshal(data, &list) == nil && len(list) == 0 {
		return nil, nil //nolint:nilnil // PHP encodes an empty map as an empty list
	}
	members, err := Members(data)
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

// maxDecodedDepth bounds the nesting of decoded values. Each level is scanned once for
// each level around it.
const maxDecodedDepth = 100

// DecodeValue decodes any value, such that it encodes to the same JSON. A number is a
// float64, or a [json.Number] if a float64 would be encoded differently.
func DecodeValue(data []byte) (any, error) { return decodeValue(data, 0) }

func decodeValue(data []byte, depth int) (any, error) {
	if depth > maxDecodedDepth {
		return nil, fmt.Errorf("is nested more than %d levels deep", maxDecodedDepth)
	}
	switch KindOf(data) {
	case Object:
		return DecodeMap(data, func(data []byte) (any, error) { return decodeValue(data, depth+1) })
	case List:
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
	case Number:
		return decodeNumber(bytes.TrimSpace(data)), nil
	default:
		var value any
		return value, json.Unmarshal(data, &value)
	}
}

// decodeNumber returns a float64 if that is encoded as literal, and a json.Number
// otherwise.
func decodeNumber(literal []byte) any {
	var number float64
	if err := json.Unmarshal(literal, &number); err == nil {
		if encoded, err := json.Marshal(number); err == nil && bytes.Equal(encoded, literal) {
			return number
		}
	}
	return json.Number(literal)
}
