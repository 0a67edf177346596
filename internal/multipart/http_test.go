package multipart_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
)

// servers are the versions of HTTP that storage may use.
var servers = map[string]func(*testing.T, http.HandlerFunc) *httptest.Server{
	"HTTP/1.1": func(t *testing.T, handler http.HandlerFunc) *httptest.Server {
		t.Helper()
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		return server
	},
	"HTTP/2.0": func(t *testing.T, handler http.HandlerFunc) *httptest.Server {
		t.Helper()
		server := httptest.NewUnstartedServer(handler)
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	},
}

func TestUpload(t *testing.T) {
	t.Parallel()
	file := strings.Repeat("0123456789", 20_000)
	for version, start := range servers {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			form, err := multipart.New([]multipart.Field{{Name: "key", Value: "v"}}, "a.pdf", int64(len(file)))
			require.NoError(t, err)
			server := start(t, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, version, r.Proto)
				assert.Equal(t, form.Size(), r.ContentLength)
				assert.Empty(t, r.TransferEncoding)
				part, header, err := r.FormFile("file")
				if !assert.NoError(t, err) {
					return
				}
				got, err := io.ReadAll(part)
				assert.NoError(t, err)
				assert.Equal(t, file, string(got))
				assert.Equal(t, "a.pdf", header.Filename)
				assert.Equal(t, "v", r.FormValue("key"))
				w.WriteHeader(http.StatusCreated)
			})
			resp, err := server.Client().Do(post(t, server.URL, form, strings.NewReader(file)))
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusCreated, resp.StatusCode)
		})
	}
}

func TestStorageNeverStoresAnotherSize(t *testing.T) {
	t.Parallel()
	const announced = 100_000
	for version, start := range servers {
		for name, size := range map[string]int{"short": announced - 1, "long": announced + 1} {
			t.Run(name+" over "+version, func(t *testing.T) {
				t.Parallel()
				form := newForm(t, announced)
				received := make(chan error, 1)
				server := start(t, func(_ http.ResponseWriter, r *http.Request) {
					_, err := io.Copy(io.Discard, r.Body)
					received <- err
				})
				resp, err := server.Client().Do(post(t, server.URL, form, strings.NewReader(strings.Repeat("x", size))))
				if err == nil {
					require.NoError(t, resp.Body.Close())
				}
				require.Error(t, err)
				require.Error(t, <-received, "the server sees that the body is not whole")
				if size < announced {
					assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
				} else {
					assert.ErrorContains(t, err, "file is longer")
				}
			})
		}
	}
}

func post(t *testing.T, url string, form *multipart.Form, file io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, form.Body(file))
	require.NoError(t, err)
	req.ContentLength = form.Size()
	req.Header.Set("Content-Type", form.ContentType())
	return req
}
