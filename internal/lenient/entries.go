package lenient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"sync"
)

// Entries iterates over the entries of a JSON array, or the members of an object,
// and copies none of them. The JSON must be valid.
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

// structural are the bytes that structure JSON.
var structural = [256]bool{'"': true, '[': true, ']': true, '{': true, '}': true, ',': true}

// Collect reads the entries of the JSON array, or object, that begins with open and
// leaves out those that read reports not to be a T. Anything else has no entries.
// Those that may be a T are counted first: a slice that grows allocates several times
// what it needs.
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

// count returns the number of entries that are objects, or are not.
func count(data []byte, objects bool) int {
	n := 0
	for entry := range Entries(data) {
		if (kind(entry) == '{') == objects {
			n++
		}
	}
	return n
}

// Find returns the value of the member of an object that has a name, or nil. Of several,
// it is the last, as with encoding/json.
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

// Fields decodes a JSON object into the fields of a struct, found by their tags, which
// all have to be a [json.Unmarshaler]. Anything but an object has no fields. Unlike
// encoding/json it does not look through values that look through themselves.
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
			_ = field.(json.Unmarshaler).UnmarshalJSON(value) //nolint:errcheck,forcetypeassert // what is odd is left out
		}
	}
}

var knownIndexes sync.Map // from a reflect.Type to its indexes

// indexesOf returns the indexes of the fields of a struct by their names in JSON.
func indexesOf(t reflect.Type) map[string]int {
	if known, ok := knownIndexes.Load(t); ok {
		return known.(map[string]int) //nolint:errcheck,forcetypeassert // nothing else is in there
	}
	indexes := map[string]int{}
	for i := range t.NumField() {
		indexes[t.Field(i).Tag.Get("json")] = i
	}
	knownIndexes.Store(t, indexes)
	return indexes
}

// textEnd returns the index of the quote that ends a JSON string.
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
	// objectWeight is what an object counts for, in values: some are decoded into
	// half a kilobyte.
	objectWeight = 4
	// bytesPerWeight is how short values may be on average. In responses of the
	// service they are three times as long.
	bytesPerWeight = 4
	// freeWeight is for what is short anyway.
	freeWeight = 4096
)

// CheckDensity returns an error for JSON of so many and so short values that
// decoding it would take a large multiple of its length.
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
