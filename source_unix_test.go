//go:build unix

package cloudconvert_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

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

// A named pipe that nobody writes to cannot even be opened.
func TestNamedPipeThatBlocks(t *testing.T) {
	t.Parallel()
	client, _, dir := uploader(t, says(http.StatusCreated, ""))
	path := newFIFO(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- client.Tasks.Upload(ctx, waitingTask(), cloudconvert.FromFile(path)) }()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	assert.Empty(t, listed(t, dir))
	require.Eventually(t, func() bool { // as soon as somebody reads
		writer, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		return err == nil && writer.Close() == nil
	}, time.Minute, time.Millisecond)
}
