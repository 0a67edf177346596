package storage

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
)

func FuzzDisposition(f *testing.F) {
	f.Add(`form-data; name="file"; filename="a b.txt"`)
	f.Add(`form-data; name=file; filename=a;b`)
	f.Add(`form-data; name="\`)
	f.Fuzz(func(t *testing.T, header string) {
		_, filename := disposition(header)
		assert.NotContains(t, names.Base(filename), "/")
		assert.NotContains(t, names.Base(filename), `\`)
		assert.NotEqual(t, "..", names.Base(filename))
	})
}

func FuzzUpload(f *testing.F) {
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n"))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\n\r\n"))
	s := New(NewBlobs(f.TempDir()), Config{}, new(clock.Clock), func(_, _ string, _ *Blob) { f.Error("a file was accepted") })
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, uploadPath, strings.NewReader(string(body)))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		assert.NotEqual(t, http.StatusCreated, w.Code, "no form has a valid signature")
		assert.Zero(t, s.Stored())
	})
}
