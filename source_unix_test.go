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
)

// newFIFO makes a named pipe.
func newFIFO(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.txt")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	return path
}

func TestNamedPipe(t *testing.T) {
	t.Parallel()
	client, script, dir := uploader(t, says(http.StatusCreated, ""))
	path := newFIFO(t)
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte(sourceText), 0o600) }()
	require.NoError(t, client.Tasks.Upload(t.Context(), waitingTask(), cloudconvert.FromFile(path)))
	require.NoError(t, <-written)
	assertUploaded(t, script, 1)
	assert.Empty(t, listed(t, dir))
}
