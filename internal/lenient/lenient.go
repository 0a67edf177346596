// Package lenient holds JSON types for fields whose shape the API does not
// guarantee. Decoding one of them never fails: a value of an odd shape leaves
// the zero value, so that a secondary field cannot spoil a whole answer.
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

// String takes a JSON string, or the text of a number or boolean.
type String string

// UnmarshalJSON implements [json.Unmarshaler].
func (s *String) UnmarshalJSON(data []byte) error {
	*s = String(text(data))
	return nil
}

// Int takes a JSON number with or without a fraction, or such a number as text.
type Int int64

// UnmarshalJSON implements [json.Unmarshaler].
func (i *Int) UnmarshalJSON(data []byte) error {
	*i = 0
	number := strings.TrimSpace(text(data))
	if number == "" {
		return nil // errors are slow, and many numbers are null
	}
	if whole, err := strconv.ParseInt(number, 10, 64); err == nil {
		*i = Int(whole)
	} else if f, err := strconv.ParseFloat(number, 64); err == nil && math.Abs(f) < 1<<53 {
		*i = Int(f)
	}
	return nil
}

// Bool takes true and false, also as text, and the numbers 1 and 0.
type Bool bool

// UnmarshalJSON implements [json.Unmarshaler].
func (b *Bool) UnmarshalJSON(data []byte) error {
	value, err := strconv.ParseBool(strings.TrimSpace(text(data)))
	*b = Bool(err == nil && value)
	return nil
}

// Time takes a timestamp in the forms the API has used, and a number or the text of
// one as a Unix time, in milliseconds if in seconds it would be millennia away. It is
// in UTC, so that it is the same on every machine, and read as UTC if it has no zone.
type Time struct{ time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Time) UnmarshalJSON(data []byte) error {
	t.Time = time.Time{}
	stamp := strings.TrimSpace(text(data))
	if stamp == "" {
		return nil
	}
	// Times of other years can be read and not be written again.
	if parsed, ok := parseTime(stamp); ok && parsed.Year() >= 0 && parsed.Year() < 10_000 {
		t.Time = parsed
	}
	return nil
}

// layouts take fractions of a second as well.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05",
	time.DateTime, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700",
}

func parseTime(stamp string) (time.Time, bool) {
	for _, layout := range layouts {
		if len(stamp) < len("2006-01-02") {
			break // errors are slow, and most stamps are null
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

// maxSeconds is more than any time in seconds and less than one in milliseconds.
const maxSeconds = 1e11

// unixTime returns a Unix time. Zero and what is before it stand for no time.
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

// Strings takes an array of strings, a single string, or an object, of which
// it keeps the values in the order of their keys. Entries that are empty or no
// text are left out.
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

// Object decodes a JSON object into a T. Anything else, null and the empty
// array that PHP makes of an empty object among them, leaves the zero T.
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

// List decodes the entries of a JSON array one by one and leaves out those
// that are null or no T. Anything but an array leaves an empty list.
type List[T any] []T

// UnmarshalJSON implements [json.Unmarshaler].
func (l *List[T]) UnmarshalJSON(data []byte) error {
	*l = Collect(data, '[', func(entry []byte, value *T) bool {
		return kind(entry) != 'n' && Unmarshal(entry, value) == nil
	})
	return nil
}

// Unmarshal decodes JSON that is known to be valid. A type that decodes itself gets it as
// it is: encoding/json would look through all of it before.
func Unmarshal(data []byte, value any) error {
	if unmarshaler, ok := value.(json.Unmarshaler); ok {
		return unmarshaler.UnmarshalJSON(data)
	}
	return json.Unmarshal(data, value)
}

// text returns the text of a JSON string, number or boolean, and "" for
// everything else.
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

// unquoted returns what a JSON string stands for. Most need no more than their
// quotes taken off, which is much faster than a decoder is.
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

// isPlain reports whether text stands for itself within a JSON string.
func isPlain(text []byte) bool {
	for _, b := range text {
		if b < ' ' || b > '~' || b == '"' || b == '\\' {
			return false
		}
	}
	return true
}

// kind returns the first byte of a JSON value, which tells its type.
func kind(data []byte) byte {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return 0
	}
	return data[0]
}
