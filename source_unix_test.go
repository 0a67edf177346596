//go:build unix && !aix && !solaris

package cloudconvert_test

import (
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// newFIFO creates a named pipe and returns its path.
func newFIFO(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.txt")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	return path
}

func TestNamedPipeIsUploaded(t *testing.T) {
	t.Parallel()
	client, script, dir := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
	path := newFIFO(t)
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte(testkit.SourceText), 0o600) }()
	require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), cloudconvert.FromFile(path)))
	require.NoError(t, <-written)
	assertUploaded(t, script, 1)
	assert.Empty(t, testkit.Listed(t, dir))
}
