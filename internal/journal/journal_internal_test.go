package journal

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openAt opens a journal. It is closed at the end of the test.
func openAt(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = j.Close(context.WithoutCancel(t.Context())) }) // it may be closed already
	return j
}

// workIn returns the record of a work.
func workIn(t *testing.T, j *Journal, name, hash string) *Work {
	t.Helper()
	w, err := j.Work(name, hash)
	require.NoError(t, err)
	return &w
}

// A line that a full disk has cut off does not damage the next one.
func TestJournalAfterIncompleteLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := openAt(t, path)
	_, err := j.file.WriteString(`{"key":"a","tag":"cl`)
	require.NoError(t, err)
	j.torn = true // as recorded by the failed write
	require.NoError(t, workIn(t, j, "b", "1").Begin(t.Context(), "tag-b"))
	require.NoError(t, workIn(t, j, "c", "1").Begin(t.Context(), "tag-c"))
	require.NoError(t, j.Close(t.Context()))

	j = openAt(t, path)
	assert.Empty(t, workIn(t, j, "a", "").Earlier)
	assert.Equal(t, "tag-b", workIn(t, j, "b", "1").Earlier.Tag)
	assert.Equal(t, "tag-c", workIn(t, j, "c", "1").Earlier.Tag)
}

// A file system that does not respond does not delay the end of a call whose context
// ended.
func TestJournalOnUnresponsiveDisk(t *testing.T) {
	t.Parallel()
	j := openAt(t, filepath.Join(t.TempDir(), "journal"))
	w := workIn(t, j, "a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j.mu.Lock() // like a write that does not return
	require.ErrorIs(t, w.Begin(ctx, "tag-a"), errDisk)
	assert.Empty(t, w.Tag)
	require.ErrorIs(t, w.Done(ctx, nil), errDisk)
	require.ErrorIs(t, j.Close(ctx), errDisk)
	locked, err := flock.New(j.locks[0].Path()).TryLock()
	require.NoError(t, err)
	assert.False(t, locked, "no other run uses it before the write is over")
	j.mu.Unlock()
}

// A large file with a wrong path, such as a video, must not be read into memory.
func TestJournalRefusesVeryLongLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "film.mp4")
	require.NoError(t, os.WriteFile(path, []byte(lineStart), 0o600))
	require.NoError(t, os.Truncate(path, 1<<30)) // a sparse file
	_, err := Open(path)
	require.ErrorIs(t, err, errLineTooLong)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, int64(1<<30), info.Size(), "it is left alone")
}
