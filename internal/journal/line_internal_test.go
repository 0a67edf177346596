package journal

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// scan must accept what the package writes.
func TestScanAcceptsWrittenLines(t *testing.T) {
	t.Parallel()
	begun := lenient.Time{}
	require.NoError(t, begun.UnmarshalJSON([]byte(`"2026-01-02T03:04:05.678Z"`)))
	for name, entry := range map[string]Entry{
		"begun":     {Tag: "t", Begun: begun},
		"saving":    {Tag: "t", Files: []string{`C:\out\"a".pdf`, "/b"}, Sizes: []int64{0, 1 << 50}},
		"done":      {Files: []string{"/a"}, Done: true},
		"no files":  {Done: true},
		"forgotten": {},
	} {
		for _, key := range []string{"a.docx", `C:\docs\a.docx`, `"a"`, "https://example.com/?a=<&>", "文書.docx"} {
			text, err := line{key, "hash", entry}.encode()
			require.NoError(t, err)
			gotName, gotHash, ok := scan(text)
			require.True(t, ok, "%s: %s", name, text)
			assert.Equal(t, key, string(gotName))
			assert.Equal(t, "hash", string(gotHash))
		}
	}
}

// What scan accepts must have the same meaning to encoding/json.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"key":"a","work":"1","tag":"t","files":["a","b"],"sizes":[1,0],"done":true,"begun":"2026-01-02T03:04:05Z"}`,
		`{"key":"C:\\a","files":["\"\\"]}`, `{"key":"a","sizes":[01]}`, `{"key":"a","sizes":[999999999999999999]}`, `{"key":"a","files":[]}`,
		`{"key":"\u0061"}`, "{\"key\":\"\xff\"}", `{"key":"a"}}`, `{"key":"a\"}`, `{"key":""}`, `{"key":"a",}`, `{"key":"a","work":"b`, `{"key":"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, hash, ok := scan([]byte(text + "\n"))
		if !ok {
			return
		}
		var l line
		require.NoError(t, json.Unmarshal([]byte(text), &l))
		assert.Equal(t, l.Name, string(name))
		assert.Equal(t, l.Hash, string(hash))
	})
}
