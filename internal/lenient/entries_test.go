package lenient_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

var arrays = []string{
	`[]`, ` [ ] `, `[1]`, `[1,2]`, ` [ 1 , "a" ] `, `[[1,2],[3]]`, `[{"a":[1,2]},{"b":"]"}]`, `["a,b","[","]"]`, `["\"","\\","\\\""]`, `[null,true,{}]`,
}

func TestEntriesAreThoseOfTheArray(t *testing.T) {
	t.Parallel()
	for _, data := range arrays {
		var want, got []json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(data), &want))
		for entry := range lenient.Entries([]byte(data)) {
			got = append(got, entry)
		}
		require.Len(t, got, len(want), data)
		for i := range want {
			assert.Equal(t, string(want[i]), string(got[i]), data)
		}
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string][2]string{
		`"a":1`: {"a", "1"}, `"a" : "b:c"`: {"a", `"b:c"`}, `"":{"a":1}`: {"", `{"a":1}`}, `"\"\u00e4:":[]`: {`"ä:`, "[]"}, `1`: {}, ``: {},
	} {
		name, value := lenient.Member([]byte(entry))
		assert.Equal(t, want, [2]string{name, string(value)}, entry)
	}
}

func TestFieldsOfAnObject(t *testing.T) {
	t.Parallel()
	type wire struct {
		Name  lenient.String `json:"name"`
		Count lenient.Int    `json:"count"`
	}
	for data, want := range map[string]wire{
		`{"name": "a", "count": 2, "new": {"name": "b"}}`: {"a", 2}, `{"name": {"name": "a"}, "count": []}`: {}, `{"name":"a","name":"b"}`: {Name: "b"},
		`{}`: {}, `[]`: {}, `["name"]`: {}, `null`: {}, `"name"`: {}, ``: {},
	} {
		var got wire
		lenient.Fields([]byte(data), &got)
		assert.Equal(t, want, got, data)
	}
}

func TestDensity(t *testing.T) {
	t.Parallel()
	for entry, dense := range map[string]bool{
		`{"id":1},`: true, `{},`: true, `[],`: true, `1,`: true, `"":1,`: false, `{"id":"a","name":"b"},`: true,
		`{"id":"abc","name":"def"},`: false, `"a{{{{{{[[[[[,,,,,,\"",`: false, `1111,`: false,
	} {
		err := lenient.CheckDensity([]byte(strings.Repeat(entry, 100_000)))
		assert.Equal(t, dense, err != nil, entry)
		require.NoError(t, lenient.CheckDensity([]byte(strings.Repeat(entry, 100))), "short JSON is always accepted")
	}
}

func FuzzEntries(f *testing.F) {
	for _, data := range arrays {
		f.Add([]byte(data))
	}
	for _, data := range []string{``, `[`, `]`, `"`, `["`, `[1`, `{"a":1,"b":[]}`, `[1]]`, `"\`} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got []json.RawMessage
		for entry := range lenient.Entries(data) {
			lenient.Member(entry)
			got = append(got, entry)
		}
		_ = lenient.CheckDensity(data)
		var want []json.RawMessage
		if json.Unmarshal(data, &want) != nil || !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
			return // it only must not panic
		}
		require.Len(t, got, len(want))
		for i := range want {
			require.Equal(t, string(want[i]), string(got[i]))
		}
	})
}
