package lenient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"sync"
)

// Entries iterates over the entries of a JSON array, or the members of an object, without
// copying them. The JSON must be valid.
func Entries(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		data := bytes.TrimSpace(data)
		if kind(data) != '[' && kind(data) != '{' {
			return
		}
		for start, more := 1, true; more; {
			end := start + entryEnd(data[start:])
			if entry := bytes.TrimSpace(data[start:end]); len(entry) > 0 && !yield(entry) {
				return
			}
			more = end < len(data) && data[end] == ','
			start = end + 1
		}
	}
}

// entryEnd returns the index of the comma or bracket after the first entry.
func entryEnd(data []byte) int {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case !structural[b]:
		case b == '"':
			i += textEnd(data[i:])
		case b == '[' || b == '{':
			depth++
		case depth == 0:
			return i
		case b != ',':
			depth--
		}
	}
	return len(data)
}

// structural are the bytes that delimit JSON values.
var structural = [256]bool{'"': true, '[': true, ']': true, '{': true, '}': true, ',': true}

// Collect decodes the entries of the JSON array or object that begins with open, and
// omits those for which read reports false. Any other JSON has no entries. Collect counts
// the entries that may be a T first, because growing a slice allocates several times its
// final size.
func Collect[T any](data []byte, open byte, read func(entry []byte, value *T) bool) []T {
	if kind(data) != open {
		return nil
	}
	var (
		values []T
		value  T
	)
	for entry := range Entries(data) {
		value = *new(T)
		if !read(entry, &value) {
			continue
		}
		if values == nil {
			values = make([]T, 0, count(data, kind(entry) == '{'))
		}
		values = append(values, value)
	}
	return values
}

// count returns the number of entries that are objects, or that are not.
func count(data []byte, objects bool) int {
	n := 0
	for entry := range Entries(data) {
		if (kind(entry) == '{') == objects {
			n++
		}
	}
	return n
}

// Find returns the value of the member of an object with a name, or nil. Like
// encoding/json, it uses the last of several members with that name.
func Find(data []byte, name string) []byte {
	var found []byte
	if kind(data) != '{' {
		return nil
	}
	for entry := range Entries(data) {
		if quoted, value := cutMember(entry); unquoted(quoted) == name {
			found = value
		}
	}
	return found
}

// Member returns the name and the value of a member of an object.
func Member(entry []byte) (name string, value []byte) {
	quoted, value := cutMember(entry)
	return unquoted(quoted), value
}

func cutMember(entry []byte) (quoted, value []byte) {
	if kind(entry) != '"' {
		return nil, nil
	}
	end := min(textEnd(entry)+1, len(entry))
	_, value, _ = bytes.Cut(entry[end:], []byte(":"))
	return entry[:end], bytes.TrimSpace(value)
}

// Fields decodes a JSON object into the fields of a struct, each of which must have a
// json tag with its name and be a [json.Unmarshaler]. It ignores any other JSON. Unlike
// encoding/json it does not scan values that scan themselves.
func Fields(data []byte, into any) {
	if kind(data) != '{' {
		return
	}
	fields := reflect.ValueOf(into).Elem()
	indexes := indexesOf(fields.Type())
	for entry := range Entries(data) {
		quoted, value := cutMember(entry)
		if index, known := indexes[string(bytes.Trim(quoted, `"`))]; known {
			field := fields.Field(index).Addr().Interface()
			_ = field.(json.Unmarshaler).UnmarshalJSON(value) //nolint:errcheck,forcetypeassert // fields of other shapes stay zero
		}
	}
}

var knownIndexes sync.Map // reflect.Type to map[string]int

// indexesOf returns the indexes of the fields of a struct by their names in JSON.
func indexesOf(t reflect.Type) map[string]int {
	if known, ok := knownIndexes.Load(t); ok {
		return known.(map[string]int) //nolint:errcheck,forcetypeassert // nothing else is stored
	}
	indexes := map[string]int{}
	for i := range t.NumField() {
		indexes[t.Field(i).Tag.Get("json")] = i
	}
	knownIndexes.Store(t, indexes)
	return indexes
}

// textEnd returns the index of the closing quote of a JSON string.
func textEnd(data []byte) int {
	for end := 1; end < len(data); end++ {
		quote := bytes.IndexByte(data[end:], '"')
		if quote < 0 {
			break
		}
		end += quote
		escapes := 0
		for data[end-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end
		}
	}
	return len(data)
}

const (
	// objectWeight is the number of values that an object counts as. Some objects are
	// decoded into half a kilobyte.
	objectWeight = 4
	// bytesPerWeight is the minimum average length of a value. In responses of the
	// service, values are three times as long.
	bytesPerWeight = 4
	// freeWeight is the number of values that is always accepted.
	freeWeight = 4096
)

// CheckDensity returns an error for JSON with so many short values that decoding it would
// take a large multiple of its length.
func CheckDensity(data []byte) error {
	weight := 0
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case !structural[b]:
		case b == '"':
			i += textEnd(data[i:])
		case b == '{':
			weight += objectWeight
		case b == '[' || b == ',':
			weight++
		}
	}
	if weight > freeWeight+len(data)/bytesPerWeight {
		return fmt.Errorf("too many values for its %d bytes", len(data))
	}
	return nil
}
