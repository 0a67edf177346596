package cloudconvert_test

import (
	"context"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// openWriter opens a named pipe that is being read, or about to be. A reader that blocks
// in open(2) counts as well.
func openWriter(t *testing.T, path string) (writer *os.File) {
	t.Helper()
	require.Eventually(t, func() (opened bool) {
		var err error
		writer, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		return err == nil
	}, time.Minute, time.Millisecond)
	return writer
}

// Each goroutine would hold a thread that blocks in open(2) or read(2).
func TestCancelledNamedPipeLeavesNoGoroutine(t *testing.T) { //nolint:paralleltest // it looks at all goroutines.
	for name, write := range map[string]func(*testing.T, string) (writer *os.File){ //nolint:paralleltest // as above.
		"no writer":     func(*testing.T, string) *os.File { return nil },
		"silent writer": openWriter,
		"slow writer": func(t *testing.T, path string) *os.File {
			t.Helper()
			writer := openWriter(t, path)
			_, err := writer.WriteString("a part")
			require.NoError(t, err)
			return writer
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, _, dir := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
			path := newFIFO(t)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- client.Tasks.Upload(ctx, testkit.WaitingTask(), cloudconvert.FromFile(path)) }()
			writer := write(t, path)
			cancel()
			require.ErrorIs(t, <-done, context.Canceled)
			assert.Empty(t, testkit.Listed(t, dir))
			require.Eventually(t, func() bool {
				stacks := make([]byte, 1<<20)
				return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "cloudconvert-go/internal/content.untilDone")
			}, 10*time.Second, time.Millisecond)
			if writer != nil {
				require.NoError(t, writer.Close())
			}
		})
	}
}

func TestNamedPipeIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	client, script, _ := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
	path := newFIFO(t)
	done := make(chan error, 1)
	go func() { done <- client.Tasks.Upload(t.Context(), testkit.WaitingTask(), cloudconvert.FromFile(path)) }()
	writer := openWriter(t, path)
	for _, b := range []byte(testkit.SourceText) {
		_, err := writer.Write([]byte{b})
		require.NoError(t, err)
		runtime.Gosched()
	}
	require.NoError(t, writer.Close())
	require.NoError(t, <-done)
	assertUploaded(t, script, 1)
}

// The writer closes the pipe right after it has opened it.
func TestEmptyNamedPipeIsUploaded(t *testing.T) {
	t.Parallel()
	for range 20 {
		client, script, _ := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
		path := newFIFO(t)
		written := make(chan error, 1)
		go func() { written <- os.WriteFile(path, nil, 0o600) }()
		require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), cloudconvert.FromFile(path)))
		require.NoError(t, <-written)
		require.Len(t, script.Requests, 1)
	}
}
