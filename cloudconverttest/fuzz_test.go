package cloudconverttest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzParseJob(f *testing.F) {
	f.Add([]byte(`{"tasks":{"in":{"operation":"import/url","url":"https://example.com/a.txt"}},"tag":"x"}`))
	f.Add([]byte(`{"tasks":{"a":{"operation":"archive","input":["a",1,null],"output_format":"zip"}}}`))
	f.Add([]byte(`{"tasks":{"":{"operation":1}}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := parseJob(jsonFields(body), true)
		if err != nil {
			return
		}
		require.NotEmpty(t, req.tasks)
		for _, task := range req.tasks {
			assert.Regexp(t, taskName, task.name)
			assert.Contains(t, operations, task.operation)
		}
	})
}

func FuzzRecordable(f *testing.F) {
	f.Add([]byte(`{"a": "b", "password": "x", "headers": {"a": ["b"]}}`), "hidden value")
	f.Add([]byte(`{"headers":"x"},{"a":"\`), `with "quotes" \ and more`)
	f.Fuzz(func(t *testing.T, body []byte, secret string) {
		assert.LessOrEqual(t, len(recordable(body)), recordedBody)
		if len(secret) < 8 || strings.Contains(redacted, secret) {
			return
		}
		for _, v := range []any{
			map[string]any{"password": secret},
			map[string]any{"headers": map[string]any{"x": secret, "y": []any{1, secret}}},
			map[string]any{"a": []any{map[string]any{"private_key": []any{"x", secret}}}, "b": 1},
		} {
			raw, err := json.Marshal(v)
			require.NoError(t, err)
			encoded, err := json.Marshal(secret)
			require.NoError(t, err)
			safe := recordable(raw)
			assert.NotContains(t, string(safe), strings.Trim(string(encoded), `"`))
			assert.True(t, json.Valid(safe), "%s", safe)
		}
	})
}
