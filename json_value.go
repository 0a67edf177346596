package cloudconvert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// The errors of these functions begin with a verb: callers name what was decoded.

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

// maxDecodedDepth is how deep a value may be nested to be decoded: each level is
// read once more for each level around it.
const maxDecodedDepth = 100

// decodeValue decodes any value, so that it encodes as it was.
func decodeValue(data []byte, depth int) (any, error) {
	if depth > maxDecodedDepth {
		return nil, fmt.Errorf("is nested more than %d levels deep", maxDecodedDepth)
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
		return decodeNumber(bytes.TrimSpace(data)), nil
	default:
		var value any
		return value, json.Unmarshal(data, &value)
	}
}

// decodeNumber returns a float64 if that is encoded as it was.
func decodeNumber(literal []byte) any {
	var number float64
	if err := json.Unmarshal(literal, &number); err == nil {
		if encoded, err := json.Marshal(number); err == nil && bytes.Equal(encoded, literal) {
			return number
		}
	}
	return json.Number(literal)
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
