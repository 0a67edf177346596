package acceptance_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// smallDisk returns a directory on a disk that has no room for the file. It
// skips the test if there can be none.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8k"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, 0)) })
	return dir
}
