// Package lenient has JSON types for fields whose shape the API does not guarantee.
// Decoding them never fails: a value of another shape decodes to the zero value, so that
// a secondary field cannot fail the decoding of a whole response.
package lenient

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// String decodes a JSON string, or the text of a number or boolean.
type String string

// UnmarshalJSON implements [json.Unmarshaler].
func (s *String) UnmarshalJSON(data []byte) error {
	*s = String(text(data))
	return nil
}

// Int decodes a JSON number, with or without a fraction, or a string with such a number.
type Int int64

// UnmarshalJSON implements [json.Unmarshaler].
func (i *Int) UnmarshalJSON(data []byte) error {
	*i = 0
	number := strings.TrimSpace(text(data))
	if number == "" {
		return nil // creating errors is slow, and many numbers are null
	}
	if whole, err := strconv.ParseInt(number, 10, 64); err == nil {
		*i = Int(whole)
	} else if f, err := strconv.ParseFloat(number, 64); err == nil && math.Abs(f) < 1<<53 {
		*i = Int(f)
	}
	return nil
}

// Bool decodes true and false, also as strings, and the numbers 1 and 0.
type Bool bool

// UnmarshalJSON implements [json.Unmarshaler].
func (b *Bool) UnmarshalJSON(data []byte) error {
	value, err := strconv.ParseBool(strings.TrimSpace(text(data)))
	*b = Bool(err == nil && value)
	return nil
}

// Time decodes a timestamp in the formats that the API has used, or a Unix time as a
// number or string. A Unix time is in milliseconds if it would be millennia away in
// seconds. The result is in UTC, so that it does not depend on the machine. A timestamp
// without a zone is in UTC.
type Time struct{ time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Time) UnmarshalJSON(data []byte) error {
	t.Time = time.Time{}
	stamp := strings.TrimSpace(text(data))
	if stamp == "" {
		return nil
	}
	// Times of other years can be parsed but not encoded.
	if parsed, ok := parseTime(stamp); ok && parsed.Year() >= 0 && parsed.Year() < 10_000 {
		t.Time = parsed
	}
	return nil
}

// layouts also match times with fractional seconds.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05",
	time.DateTime, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700",
}

func parseTime(stamp string) (time.Time, bool) {
	for _, layout := range layouts {
		if len(stamp) < len("2006-01-02") {
			break // creating errors is slow, and most times are null
		}
		if parsed, err := time.Parse(layout, stamp); err == nil {
			return parsed.UTC(), true
		}
	}
	if number, err := strconv.ParseFloat(stamp, 64); err == nil {
		return unixTime(number)
	}
	return time.Time{}, false
}

// maxSeconds is more than any time in seconds and less than any in milliseconds.
const maxSeconds = 1e11

// unixTime returns a Unix time. Zero and negative numbers are not times.
func unixTime(number float64) (time.Time, bool) {
	milliseconds := number * 1000
	if number >= maxSeconds {
		milliseconds = number
	}
	if !(number > 0 && milliseconds < 1e15) { // NaN compares as false
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(milliseconds))).UTC(), true
}

// Strings decodes an array of strings, a single string, or an object, whose values it
// keeps in the order of their keys. It omits entries that are empty or not text.
type Strings []string

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Strings) UnmarshalJSON(data []byte) error {
	var list List[String]
	var object Object[map[string]String]
	switch kind(data) {
	case '[':
		_ = list.UnmarshalJSON(data) // never fails
	case '{':
		_ = object.UnmarshalJSON(data) // never fails
		list = make(List[String], 0, len(object.Value))
		for _, key := range slices.Sorted(maps.Keys(object.Value)) {
			list = append(list, object.Value[key])
		}
	default:
		list = List[String]{String(text(data))}
	}
	*s = nil
	for _, entry := range list {
		if entry == "" {
			continue
		}
		if *s == nil {
			*s = make(Strings, 0, len(list))
		}
		*s = append(*s, string(entry))
	}
	return nil
}

// Object decodes a JSON object into a T. Any other value leaves the zero T, including
// null and the empty array that PHP encodes for an empty object.
type Object[T any] struct{ Value T }

// UnmarshalJSON implements [json.Unmarshaler].
func (o *Object[T]) UnmarshalJSON(data []byte) error {
	var value T
	if kind(data) == '{' && Unmarshal(data, &value) == nil {
		o.Value = value
	} else {
		o.Value = *new(T)
	}
	return nil
}

// List decodes the entries of a JSON array one by one, and omits those that are null or
// not a T. Any other value leaves an empty list.
type List[T any] []T

// UnmarshalJSON implements [json.Unmarshaler].
func (l *List[T]) UnmarshalJSON(data []byte) error {
	*l = Collect(data, '[', func(entry []byte, value *T) bool {
		return kind(entry) != 'n' && Unmarshal(entry, value) == nil
	})
	return nil
}

// Unmarshal decodes valid JSON. It calls UnmarshalJSON directly if the type has it:
// encoding/json would scan the JSON first.
func Unmarshal(data []byte, value any) error {
	if unmarshaler, ok := value.(json.Unmarshaler); ok {
		return unmarshaler.UnmarshalJSON(data)
	}
	return json.Unmarshal(data, value)
}

// text returns the text of a JSON string, number or boolean, and "" for other values.
func text(data []byte) string {
	switch kind(data) {
	case '"':
		return unquoted(bytes.TrimSpace(data))
	case '{', '[', 'n', 0:
		return ""
	default:
		return string(bytes.TrimSpace(data))
	}
}

// unquoted returns the value of a JSON string. It removes only the quotes if that
// suffices, which is much faster than a decoder.
func unquoted(data []byte) string {
	if last := len(data) - 1; last > 0 && data[last] == '"' && isPlain(data[1:last]) {
		return string(data[1:last])
	}
	var s string
	if json.Unmarshal(data, &s) != nil {
		return ""
	}
	return s
}

// isPlain reports whether text needs no escapes in a JSON string.
func isPlain(text []byte) bool {
	for _, b := range text {
		if b < ' ' || b > '~' || b == '"' || b == '\\' {
			return false
		}
	}
	return true
}

// kind returns the first byte of a JSON value, which determines its type.
func kind(data []byte) byte {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return 0
	}
	return data[0]
}
