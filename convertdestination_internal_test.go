package cloudconvert

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A directory is tried out once, and again if another one has taken its place.
func TestTriedDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	if !mayWrite(filepath.Dir(dir)) {
		t.Skip("where the system cannot be asked, each directory is tried out each time")
	}
	var tried triedDir
	long := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	touched := func(dir string) bool {
		t.Helper()
		require.NoError(t, os.Chtimes(dir, long, long))
		require.NoError(t, tried.check(dir))
		info, err := os.Stat(dir)
		require.NoError(t, err)
		return !info.ModTime().Equal(long)
	}
	require.ErrorIs(t, tried.check(dir), fs.ErrNotExist)
	require.NoError(t, os.Mkdir(dir, 0o700))
	assert.True(t, touched(dir))
	assert.False(t, touched(dir))
	require.NoError(t, os.Rename(dir, dir+" old"))
	require.ErrorIs(t, tried.check(dir), fs.ErrNotExist)
	require.NoError(t, os.Mkdir(dir, 0o700))
	assert.True(t, touched(dir))
	assert.True(t, touched(dir+" old"), "the last one is remembered, and no more")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}
