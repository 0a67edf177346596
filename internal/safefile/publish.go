package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// publish gives the file temp its name. With overwrite, a rename replaces a file of that
// name. Without it, a hard link fails if the name exists, which is atomic, unlike a check
// beforehand. publish reports whether the file has the name, which may be true although
// the temporary name could not be removed.
func publish(root *os.Root, temp, name string, overwrite bool) (named bool, err error) {
	if overwrite {
		err = root.Rename(temp, name)
		return err == nil, err
	}
	err = root.Link(temp, name)
	if err == nil {
		return true, except(root.Remove(temp), fs.ErrNotExist)
	}
	if errors.Is(err, fs.ErrExist) {
		return false, err
	}
	err = claim(root, temp, name)
	return err == nil, err
}

// claim creates an empty file, which fails if the name exists, and renames the temporary
// file to it. It is for file systems without hard links, whose errors for that differ
// widely.
func claim(root *os.Root, temp, name string) error {
	empty, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	err = empty.Close()
	if err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(name))
	}
	return nil
}

// checkPath returns an error if the path that the caller gets for a file of the root does
// not lead to that file, because a directory was moved or replaced after the root was
// opened.
func checkPath(root *os.Root, name string) error {
	path := filepath.Join(root.Name(), filepath.FromSlash(name))
	here, err := root.Lstat(name)
	if err != nil {
		return err
	}
	there, err := os.Lstat(path)
	switch {
	case err != nil:
		return fmt.Errorf("its directory was moved or replaced in the meantime: %w", err)
	case !os.SameFile(here, there):
		return fmt.Errorf("its directory was moved or replaced in the meantime: %s is another file", path)
	}
	return nil
}

// syncDir writes the names in dir to disk, if the system supports that.
func syncDir(root *os.Root, dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	err = errors.Join(d.Sync(), d.Close())
	return except(except(err, errors.ErrUnsupported), syscall.EINVAL)
}
