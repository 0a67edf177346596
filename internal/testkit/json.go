package testkit

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// Recorded returns a response from testdata/answers of the module.
func Recorded(tb testing.TB, name string) string {
	tb.Helper()
	dir, err := os.Getwd()
	require.NoError(tb, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		require.NotEqual(tb, filepath.Dir(dir), dir, "not within the module")
		dir = filepath.Dir(dir)
	}
	body, err := os.ReadFile(filepath.Join(dir, "testdata", "answers", filepath.Base(name)))
	require.NoError(tb, err)
	return string(body)
}

// RecordedJob returns the job in a response of [Recorded].
func RecordedJob(tb testing.TB, name string) *cloudconvert.Job {
	tb.Helper()
	client, _ := NewScript(tb, Says(http.StatusOK, Recorded(tb, name)))
	job, err := client.Jobs.Get(tb.Context(), "1")
	require.NoError(tb, err)
	return job
}

// Stable decodes data and asserts that the value is the same after a round trip.
// It reports false for null and for what cannot be decoded.
func Stable[T any](t *testing.T, data []byte) (T, bool) {
	t.Helper()
	var first, second T
	if string(bytes.TrimSpace(data)) == "null" || json.Unmarshal(data, &first) != nil {
		return first, false
	}
	encoded, err := json.Marshal(first)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, &second))
	again, err := json.Marshal(second)
	require.NoError(t, err)
	require.JSONEq(t, string(encoded), string(again))
	return first, true
}

// Encode returns a value in JSON.
func Encode(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return string(encoded)
}
