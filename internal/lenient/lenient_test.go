package lenient_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// decode decodes a value, which must not fail, into a variable that is not zero.
func decode[T any](t *testing.T, before T, data string) T {
	t.Helper()
	wire := struct {
		Value T      `json:"value"`
		After string `json:"after"`
	}{Value: before}
	require.NoError(t, json.Unmarshal([]byte(`{"value": `+data+`, "after": "here"}`), &wire))
	assert.Equal(t, "here", wire.After)
	return wire.Value
}

func TestString(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]lenient.String{
		`"text"`:               "text",
		`" text \n"`:           " text \n",
		`""`:                   "",
		`null`:                 "",
		`12`:                   "12",
		`37116784`:             "37116784",
		`9007199254740993`:     "9007199254740993",
		`1.50`:                 "1.50",
		`1e3`:                  "1e3",
		`true`:                 "true",
		`false`:                "false",
		`{}`:                   "",
		`{"text": "a"}`:        "",
		`["text"]`:             "",
		`"\u00e4\ud83d\ude00"`: "ä😀",
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, want, decode(t, lenient.String("before"), data))
		})
	}
}

func TestInt(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]lenient.Int{
		`12`:                   12,
		`-12`:                  -12,
		`0`:                    0,
		`9223372036854775807`:  9223372036854775807,
		`9223372036854775808`:  0,
		`12.9`:                 12,
		`-12.9`:                -12,
		`1e3`:                  1000,
		`1e300`:                0,
		`"12"`:                 12,
		`" 12 "`:               12,
		`"12.5"`:               12,
		`"12px"`:               0,
		`"NaN"`:                0,
		`"Inf"`:                0,
		`""`:                   0,
		`null`:                 0,
		`true`:                 0,
		`[12]`:                 0,
		`{"value": 12}`:        0,
		`99999999999999999999`: 0,
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, want, decode(t, lenient.Int(7), data))
		})
	}
}

func TestBool(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]lenient.Bool{
		`true`: true, `"true"`: true, `" true "`: true, `1`: true, `"1"`: true,
		`false`: false, `"false"`: false, `0`: false, `"yes"`: false, `""`: false, `null`: false, `[true]`: false, `{}`: false,
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, want, decode(t, !want, data))
		})
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	stamp := time.Date(2020, 12, 17, 4, 36, 8, 0, time.UTC)
	for data, want := range map[string]time.Time{
		`"2020-12-17T04:36:08+00:00"`:        stamp,
		`"2020-12-17T04:36:08Z"`:             stamp,
		`"2020-12-17T05:36:08+01:00"`:        stamp,
		`"2020-12-17T05:36:08+0100"`:         stamp,
		`"2020-12-17 04:36:08"`:              stamp,
		`" 2020-12-17T04:36:08Z "`:           stamp,
		`"2020-12-17T04:36:08.000000Z"`:      stamp,
		`"2020-12-17T04:36:08.250000+00:00"`: stamp.Add(250 * time.Millisecond),
		`"2020-12-18T04:36:08+24:00"`:        stamp,
		`"9999-12-31T23:59:59-00:01"`:        {}, // cannot be encoded
		`"2020-12-17"`:                       {},
		`"yesterday"`:                        {},
		`""`:                                 {},
		`null`:                               {},
		`"2020-12-17T04:36:08"`:              stamp, // without a zone
		`"2020-12-17T04:36:08.250000"`:       stamp.Add(250 * time.Millisecond),
		`"2020-12-17 04:36:08.25"`:           stamp.Add(250 * time.Millisecond),
		`"2020-12-17 05:36:08+01:00"`:        stamp,
		`"2020-12-17 05:36:08+0100"`:         stamp,
		`"2020-12-17 04:36:08Z"`:             stamp,
		`1608179768`:                         stamp,
		`"1608179768"`:                       stamp,
		`1608179768.25`:                      stamp.Add(250 * time.Millisecond),
		`1.608179768e9`:                      stamp,
		`1608179768250`:                      stamp.Add(250 * time.Millisecond), // milliseconds
		`"1608179768250"`:                    stamp.Add(250 * time.Millisecond),
		`0`:                                  {},
		`-1`:                                 {},
		`1e300`:                              {},
		`253402300800000`:                    {}, // the year 10000
		`"NaN"`:                              {},
		`"Inf"`:                              {},
		`true`:                               {},
		`{"date": "2020-12-17T04:36:08Z"}`:   {},
		`[]`:                                 {},
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			got := decode(t, lenient.Time{Time: time.Unix(1, 0)}, data)
			assert.Equal(t, want, got.Time)
		})
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]lenient.Strings{
		`["a", "b"]`:                {"a", "b"},
		`["a", null, "", [], {}]`:   {"a"},
		`["a", 12, true]`:           {"a", "12", "true"},
		`"a"`:                       {"a"},
		`12`:                        {"12"},
		`{"y": "b", "x": "a"}`:      {"a", "b"},
		`{"x": ["a"], "y": null}`:   nil,
		`{}`:                        nil,
		`[]`:                        nil,
		`""`:                        nil,
		`null`:                      nil,
		`[["a"], {"x": "b"}, "c" ]`: {"c"},
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, want, decode(t, lenient.Strings{"before"}, data))
		})
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	type object = lenient.Object[struct{ Name lenient.String }]
	for data, want := range map[string]string{
		`{"name": "a"}`: "a", `{"name": 1}`: "1", `{}`: "", `[]`: "", `null`: "", `"a"`: "", `12`: "", `[{"name": "a"}]`: "",
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			before := object{Value: struct{ Name lenient.String }{"before"}}
			assert.Equal(t, lenient.String(want), decode(t, before, data).Value.Name)
		})
	}
	t.Run("parts of a T that fails are dropped", func(t *testing.T) {
		t.Parallel()
		assert.Zero(t, decode(t, lenient.Object[picky]{}, `{"name": "a", "count": "many"}`))
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]lenient.List[picky]{
		`[{"name": "a"}, {"name": "b"}]`:           {{Name: "a"}, {Name: "b"}},
		`[{"name": "a"}, null, 1, [], "b"]`:        {{Name: "a"}},
		`[{"name": 1}, {"name": "b", "count": 2}]`: {{Name: "b", Count: 2}},
		`[]`: nil, `{}`: nil, `null`: nil, `"a"`: nil, `{"0": {"name": "a"}}`: nil,
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, want, decode(t, lenient.List[picky]{{Name: "before"}}, data))
		})
	}
}

// picky is a type whose decoding fails for other shapes.
type picky struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

func FuzzValues(f *testing.F) {
	for _, seed := range []string{
		`null`, `""`, `"a"`, `1`, `1e999`, `true`, `[]`, `{}`, `["a", null]`, `{"a": "b"}`, `"2020-12-17T04:36:08+24:00"`,
		`"9999-12-31T23:59:59-23:59"`, ` `, ``, `{`, "\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var (
			text    lenient.String
			number  lenient.Int
			flag    lenient.Bool
			stamp   lenient.Time
			texts   lenient.Strings
			object  lenient.Object[map[string]any]
			entries lenient.List[picky]
		)
		// Invalid JSON is not an error either.
		require.NoError(t, errors.Join(
			text.UnmarshalJSON(data), number.UnmarshalJSON(data), flag.UnmarshalJSON(data), stamp.UnmarshalJSON(data),
			texts.UnmarshalJSON(data), object.UnmarshalJSON(data), entries.UnmarshalJSON(data),
		))
		for _, value := range []any{text, number, flag, stamp.Time, texts, object.Value, entries} {
			_, err := json.Marshal(value)
			require.NoError(t, err)
		}
	})
}
