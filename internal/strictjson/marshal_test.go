package strictjson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

const latin1 = "caf\xe9"

type brokenJSON struct{}

func (brokenJSON) MarshalJSON() ([]byte, error) { return []byte(`"` + latin1 + `"`), nil }

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("no JSON") }

func TestMarshal(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		`"<&>"`:            "<&>",
		"\"\ufffd\"":       "\ufffd",
		`"\\ufffd"`:        `\ufffd`,
		`"Y2Fm6Q=="`:       []byte(latin1),
		`{"a":1,"b":null}`: map[string]any{"b": nil, "a": 1},
		`null`:             nil,
		`"\ufffd"`:         json.RawMessage(`"\ufffd"`),
	} {
		encoded, err := strictjson.Marshal(value)
		require.NoError(t, err)
		assert.Equal(t, want, string(encoded))
	}
}

func TestMarshalRefusesWhatItWouldChange(t *testing.T) {
	t.Parallel()
	itself := map[string]any{}
	itself["a"] = []any{itself}
	for want, value := range map[string]any{
		"the request is not UTF-8": latin1,
		"A.b[1] is not UTF-8":      struct{ A map[string][]string }{map[string][]string{"b": {"", latin1}}},
		`"caf\xe9" is not UTF-8`:   map[string]int{latin1: 1},
		"c is not UTF-8": struct {
			B string `json:"-"`
			C string `json:"c,omitzero"`
		}{latin1, latin1},
		"contains itself":                      itself,
		"MarshalJSON method that returns JSON": brokenJSON{},
		"no JSON":                              failing{},
		"unsupported type":                     make(chan int),
		strings.Repeat("a", 80) + "… is":       map[string]string{strings.Repeat("a", 99): latin1},
	} {
		_, err := strictjson.Marshal(value)
		require.ErrorContains(t, err, want)
	}
}

func TestCheckRefusesValues(t *testing.T) {
	t.Parallel()
	refuse := func(value any) error {
		if value == any(7) {
			return errors.New("is seven")
		}
		return nil
	}
	require.NoError(t, strictjson.Check("a", []any{6, nil, (*int)(nil)}, refuse))
	require.EqualError(t, strictjson.Check("a", []any{6, new(7)}, refuse), "a[1] is seven")
}
