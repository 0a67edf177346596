package testkit

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// Zeros is an endless file.
type Zeros struct{}

// Read clears p.
func (Zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// WriteFile writes a file, creates its directory, and returns its path.
func WriteFile(t *testing.T, name, content string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

// ReadFile returns the content of a file.
func ReadFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// Content returns size bytes without a pattern, the same for each call.
func Content(size int) string {
	var seed [32]byte
	copy(seed[:], strconv.Itoa(size))
	bytes := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(bytes) // it never fails
	return string(bytes)
}

// Same asserts that two contents are equal, and does not print them.
func Same(t *testing.T, want, got string) {
	t.Helper()
	if want != got {
		t.Errorf("got %d bytes that are not the %d bytes of the file", len(got), len(want))
	}
}

// Listed returns the slash paths of all files and directories below dir.
func Listed(t *testing.T, dir string) []string {
	t.Helper()
	names := []string{}
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		if path != "." {
			names = append(names, path)
		}
		return err
	}))
	return names
}

// NewSink returns a task that waits for a file. Its storage discards what it gets, and checks the length.
func NewSink(tb testing.TB) cloudconvert.Task {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); err != nil || n != r.ContentLength {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}))
	tb.Cleanup(server.Close)
	return cloudconvert.Task{
		ID: "task", Operation: cloudconvert.OperationImportUpload, Status: cloudconvert.StatusWaiting,
		Result: cloudconvert.TaskResult{Form: &cloudconvert.UploadForm{URL: server.URL}},
	}
}

// NewSparseFile returns the path of a file of zeros that takes no space on the disk.
func NewSparseFile(tb testing.TB, size int64) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "video.mp4")
	file, err := os.Create(path)
	require.NoError(tb, err)
	require.NoError(tb, file.Truncate(size))
	require.NoError(tb, file.Close())
	return path
}
