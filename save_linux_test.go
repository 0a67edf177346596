package cloudconvert_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSaveToFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, 0)) })
	write(t, "mine", dir, "kept")
	file := content(1 << 20)
	storage := newStorage(t, serve(file, storageTag))
	_, err := newDownloader(t).Save(t.Context(), dir, storage.file(len(file)))
	require.ErrorIs(t, err, syscall.ENOSPC)
	assert.Equal(t, []string{"kept"}, listed(t, dir))
	assert.Len(t, storage.seen(), 1, "another attempt would not help")
}
