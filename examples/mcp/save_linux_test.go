package main

import (
	"encoding/binary"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Another program that sees the file sees all of it, and what it writes to it is not
// lost: the name appears once, and nothing is renamed over it.
func TestPlaceCreatesNameOnce(t *testing.T) {
	t.Parallel()
	dir, from := openDirectoryWithSource(t)
	events := watchDirectory(t, dir.Name())
	name, err := place(dir, "b.pdf", from)
	require.NoError(t, err)
	assert.Equal(t, "b.pdf", name)
	assert.Equal(t, []uint32{syscall.IN_CREATE}, events()["b.pdf"])
}

// watchDirectory returns a function that returns what has happened to each name.
func watchDirectory(t *testing.T, path string) func() map[string][]uint32 {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, syscall.Close(fd)) })
	_, err = syscall.InotifyAddWatch(fd, path, syscall.IN_CREATE|syscall.IN_MOVED_TO|syscall.IN_MODIFY|syscall.IN_DELETE)
	require.NoError(t, err)
	return func() map[string][]uint32 {
		buffer := make([]byte, 64<<10)
		n, err := syscall.Read(fd, buffer)
		require.NoError(t, err)
		events := map[string][]uint32{}
		for rest := buffer[:n]; len(rest) > 0; {
			// struct inotify_event: wd, mask, cookie and length of the name, which follows
			mask, length := binary.NativeEndian.Uint32(rest[4:]), binary.NativeEndian.Uint32(rest[12:])
			end := syscall.SizeofInotifyEvent + length
			name := strings.TrimRight(string(rest[syscall.SizeofInotifyEvent:end]), "\x00")
			events[name] = append(events[name], mask)
			rest = rest[end:]
		}
		return events
	}
}
