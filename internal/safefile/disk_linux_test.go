package safefile

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFullDisk(t *testing.T) {
	t.Parallel()
	root := mount(t, 0)
	require.NoError(t, root.WriteFile("a.pdf", []byte("old"), 0o600))
	file := create(t, root, "a.pdf", "new")

	n, err := file.Write(make([]byte, 1<<20))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, file.Truncate(int64(3+n)), "the bytes that fit count")

	require.NoError(t, file.abort())
	assert.Equal(t, []string{"a.pdf"}, list(t, root, "."))
	assert.Equal(t, "old", read(t, root, "a.pdf"))
	require.NoError(t, root.WriteFile("b.pdf", make([]byte, 32<<10), 0o600), "there is room again")
}

func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	_, err := newFile(mount(t, syscall.MS_RDONLY), "a.pdf")
	assert.ErrorIs(t, err, syscall.EROFS)
}

// In an append-only directory, the temporary name remains after the file got its name.
func TestTemporaryFileThatCannotBeRemoved(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	file := create(t, root, "a.pdf", "content")
	chattr := func(flag string) error {
		return exec.CommandContext(context.WithoutCancel(t.Context()), "chattr", flag, root.Name()).Run()
	}
	if err := chattr("+a"); err != nil {
		t.Skipf("cannot make a directory append-only: %v", err)
	}
	removable := sync.OnceValue(func() error { return chattr("-a") })
	t.Cleanup(func() { assert.NoError(t, removable()) })
	require.ErrorIs(t, file.commit(false), fs.ErrPermission)
	assert.True(t, file.named)
	assert.Equal(t, "content", read(t, root, "a.pdf"))
	require.NoError(t, removable())
	require.NoError(t, file.abort())
	assert.Equal(t, []string{"a.pdf"}, list(t, root, "."))
}

// mount returns a disk of 64 KiB. It skips the test if it is not run as root.
func mount(t *testing.T, flags uintptr) *os.Root {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, "size=64k"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, 0)) })
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, root.Close()) })
	return root
}
