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

// CheckReplaceable returns an error if a rename could not replace an existing file, as
// far as can be found without doing so.
func CheckReplaceable(path string) error {
	if mounts, err := os.Open("/proc/self/mountinfo"); err == nil {
		defer func() { _ = mounts.Close() }() // it was only read
		if mountedAt(mounts, path) {
			return errors.New("something is mounted there")
		}
	}
	// Renaming a directory to a file always fails. If the file is protected, because it is
	// immutable or belongs to another user in a directory like /tmp, Linux reports that
	// first.
	probe, err := os.MkdirTemp(filepath.Dir(path), ".cloudconvert-*")
	if err != nil {
		return err
	}
	defer os.Remove(probe) //nolint:errcheck // an empty directory may remain.
	switch err := syscall.Rename(probe, path); {
	case err == nil:
		return os.Remove(path) // the file was removed just before, and the directory now has its name
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return err
	}
	return nil
}

// unescape decodes the paths in mountinfo.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// mountedAt reports whether something is mounted at a path, according to a list in the
// format of /proc/self/mountinfo.
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
