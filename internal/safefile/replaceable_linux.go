package safefile

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// CheckReplaceable returns what keeps a file that exists from being replaced
// by a rename, as far as this shows without doing so.
func CheckReplaceable(path string) error {
	if mounts, err := os.Open("/proc/self/mountinfo"); err == nil {
		defer func() { _ = mounts.Close() }() // it was only read
		if mountedAt(mounts, path) {
			return errors.New("something is mounted there")
		}
	}
	// A directory never replaces a file. Linux says that the file is protected, as an
	// immutable one is, or that of another user in a directory like /tmp, before it says so.
	probe, err := os.MkdirTemp(filepath.Dir(path), ".cloudconvert-*")
	if err != nil {
		return err
	}
	defer os.Remove(probe) //nolint:errcheck // it is empty, and harmless if it stays.
	switch err := syscall.Rename(probe, path); {
	case err == nil:
		return os.Remove(path) // the file had just gone, and the directory has its name
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return err
	}
	return nil
}

// unescape turns what mountinfo writes of a path into the path.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// mountedAt reports whether something is mounted at a path, by a list in the format
// of /proc/self/mountinfo.
func mountedAt(mounts io.Reader, path string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return false
	}
	path = filepath.Join(dir, filepath.Base(path))
	for lines := bufio.NewScanner(mounts); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 && unescape.Replace(fields[4]) == path {
			return true
		}
	}
	return false
}
