package cloudconverttest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSign checks the signature with published vectors.
func TestSign(t *testing.T) {
	t.Parallel()
	const (
		base = "https://s.cloudconvert.com/b3d85428-584e-4639-bc11-76b7dee9c109?job="
		job  = "eyJ0YXNrcyI6eyJpbXBvcnQtaXQiOnsib3BlcmF0aW9uIjoiaW1wb3J0L3VybCIsInVybCI6Imh0dHBzOi8vc29tZS51cmwiLCJmaWxlbmFtZSI6" +
			"ImxvZ28ucG5nIn0sImV4cG9ydC1pdCI6eyJvcGVyYXRpb24iOiJleHBvcnQvdXJsIiwiaW5wdXQiOiJpbXBvcnQtaXQiLCJpbmxpbmUiOnRydWV9fX0"
	)
	for name, c := range map[string]struct{ secret, message, want string }{
		"webhook": {
			"secret", `{"event":"job.finished","job":{"id":"4b6ee8e2-e293-4805-b48e-a03876d1ec66"}}`,
			"3539e7cb61bad6261e5dfb65b3491b39960ce56304967df33ce22bed752eafd0",
		},
		"empty": {"secret", "", "f9e66e179b6747ae54108f82f8ade8b3c25d76fd30afde6c395822c530196169"},
		"signed URL": {
			"NT8dpJkttEyfSk3qlRgUJtvTkx64vhyX", base + job + "&cache_key=mykey",
			"209d54e4454a407de71a07e6e500f45155fecf58a4e53d68329fbf358efcd823",
		},
	} {
		assert.Equal(t, c.want, sign([]byte(c.secret), c.message), name)
		assert.True(t, validSignature([]byte(c.secret), c.message, c.want), name)
		assert.False(t, validSignature([]byte(c.secret), c.message, strings.ToUpper(c.want)), name)
	}
	_, err := decodeSigned(job)
	require.NoError(t, err)
}

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

func FuzzDisposition(f *testing.F) {
	f.Add(`form-data; name="file"; filename="a b.txt"`)
	f.Add(`form-data; name=file; filename=a;b`)
	f.Add(`form-data; name="\`)
	f.Fuzz(func(t *testing.T, header string) {
		_, filename := disposition(header)
		assert.NotContains(t, baseName(filename), "/")
		assert.NotContains(t, baseName(filename), `\`)
		assert.NotEqual(t, "..", baseName(filename))
	})
}

func FuzzUpload(f *testing.F) {
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n"))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\n\r\n"))
	s := NewServer(WithInProcess())
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, uploadPath, strings.NewReader(string(body)))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		s.storage(w, r)
		assert.NotEqual(t, http.StatusCreated, w.Code, "no form has a valid signature")
		assert.Zero(t, s.BytesStored())
	})
}
