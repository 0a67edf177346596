package record

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a": "b", "password": "x", "headers": {"a": ["b"]}}`), "hidden value")
	f.Add([]byte(`{"headers":"x"},{"a":"\`), `with "quotes" \ and more`)
	f.Fuzz(func(t *testing.T, body []byte, secret string) {
		assert.LessOrEqual(t, len(jsonBody(body)), recordedBody)
		if len(secret) < 8 || strings.Contains(redacted, secret) {
			return
		}
		assert.NotContains(t, string(Body("application/x-www-form-urlencoded", []byte(url.Values{"password": {secret}}.Encode()))), secret)
		for _, v := range []any{
			map[string]any{"password": secret},
			map[string]any{"headers": map[string]any{"x": secret, "y": []any{1, secret}}},
			map[string]any{"url": "https://a:" + url.QueryEscape(secret) + "@host/?sig=" + url.QueryEscape(secret)},
			map[string]any{"a": []any{map[string]any{"private_key": []any{"x", secret}}}, "b": 1},
		} {
			raw, err := json.Marshal(v)
			require.NoError(t, err)
			encoded, err := json.Marshal(secret)
			require.NoError(t, err)
			safe := jsonBody(raw)
			assert.NotContains(t, string(safe), strings.Trim(string(encoded), `"`))
			assert.True(t, json.Valid(safe), "%s", safe)
		}
	})
}
