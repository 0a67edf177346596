package multipart_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
)

// BenchmarkUpload compares the form with plain net/http code that sends the same file:
// bare, which the kernel may copy on a connection without TLS, and between two strings,
// like a form assembled by hand.
func BenchmarkUpload(b *testing.B) {
	const size = 1 << 30
	path := filepath.Join(b.TempDir(), "large.bin")
	require.NoError(b, os.WriteFile(path, nil, 0o600))
	require.NoError(b, os.Truncate(path, size))
	form, err := multipart.New([]multipart.Field{{Name: "key", Value: "value"}}, "large.bin", size)
	require.NoError(b, err)
	overhead := form.Size() - size

	bodies := []struct {
		name   string
		length int64
		body   func(*os.File) io.Reader
	}{
		{"File", size, func(file *os.File) io.Reader { return file }},
		{"ByHand", size + overhead, func(file *os.File) io.Reader {
			return io.MultiReader(io.LimitReader(zeros{}, overhead), file)
		}},
		{"Form", form.Size(), func(file *os.File) io.Reader { return form.Body(file) }},
	}
	servers := []struct {
		name  string
		start func(http.Handler) *httptest.Server
	}{
		{"HTTP", httptest.NewServer},
		{"HTTPS", httptest.NewTLSServer},
	}
	for _, s := range servers {
		server := s.start(discard())
		b.Cleanup(server.Close)
		for _, body := range bodies {
			b.Run(s.name+"/"+body.name, func(b *testing.B) {
				b.SetBytes(body.length)
				b.ReportAllocs()
				for b.Loop() {
					upload(b, server, path, body.length, body.body)
				}
			})
		}
	}
}

func upload(b *testing.B, server *httptest.Server, path string, length int64, body func(*os.File) io.Reader) {
	b.Helper()
	file, err := os.Open(path)
	require.NoError(b, err)
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL, body(file))
	require.NoError(b, err)
	req.ContentLength = length
	resp, err := server.Client().Do(req)
	require.NoError(b, err)
	require.NoError(b, resp.Body.Close())
	require.Equal(b, http.StatusCreated, resp.StatusCode)
	if err := file.Close(); err != nil {
		require.ErrorIs(b, err, os.ErrClosed) // the transport closes the bare file
	}
}

func discard() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); err != nil || n != r.ContentLength {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
}

// zeros is an endless reader.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
