package safefile

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	require.NoError(t, root.WriteFile("temp", []byte("new"), 0o600))
	require.NoError(t, claim(root, "temp", "a.pdf"))
	content, err := root.ReadFile("a.pdf")
	require.NoError(t, err)
	assert.Equal(t, "new", string(content))

	require.NoError(t, root.WriteFile("temp", []byte("newer"), 0o600))
	require.ErrorIs(t, claim(root, "temp", "a.pdf"), fs.ErrExist)
	content, err = root.ReadFile("a.pdf")
	require.NoError(t, err)
	assert.Equal(t, "new", string(content))
}

func TestFailedClaimLeavesNoFile(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	require.ErrorIs(t, claim(root, "missing", "a.pdf"), fs.ErrNotExist)
	_, err := root.Lstat("a.pdf")
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestConcurrentClaims(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	const many = 20
	errs := make([]error, many)
	var group sync.WaitGroup
	for n := range many {
		temp := strconv.Itoa(n)
		require.NoError(t, root.WriteFile(temp, []byte(temp), 0o600))
		group.Go(func() { errs[n] = claim(root, temp, "a.pdf") })
	}
	group.Wait()

	content, err := root.ReadFile("a.pdf")
	require.NoError(t, err)
	for n, err := range errs {
		if strconv.Itoa(n) == string(content) {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, fs.ErrExist)
	}
}

func TestFileIsNotPublishedAfterFailedClose(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	file, err := newFile(root, "a.pdf")
	require.NoError(t, err)
	require.NoError(t, file.file.Close(), "now the sync fails")
	for range 2 {
		require.ErrorIs(t, file.commit(true), fs.ErrClosed)
		_, err = root.Lstat("a.pdf")
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	require.NoError(t, file.abort())
	_, err = root.Lstat(file.temp)
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestUnsyncedFileIsNotPublished(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a pipe can be synced there")
	}
	root := openRoot(t)
	file, err := newFile(root, "a.pdf")
	require.NoError(t, err)
	reader, writer, err := os.Pipe() // it can be closed, but not synced
	require.NoError(t, err)
	require.NoError(t, errors.Join(file.file.Close(), reader.Close()))
	file.file = writer
	require.Error(t, file.commit(true))
	_, err = root.Lstat("a.pdf")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, file.abort())
}

func TestSyncDir(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	require.NoError(t, syncDir(root, "."))
}
