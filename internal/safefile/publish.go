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

// publish gives the file temp its name. A rename replaces what has the name; a hard link does not, and unlike a look
// beforehand it leaves no moment for another file to come in between. It reports whether the file has got the name,
// which it may have although the temporary name could not be removed.
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

// claim is for file systems without hard links, which say so with many different errors: an empty file takes the
// name, which fails if anything has it already, and is then replaced.
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

// checkPath makes sure that the path by which users know a file of the root leads to it.
func checkPath(root *os.Root, name string) error {
	path := filepath.Join(root.Name(), filepath.FromSlash(name))
	here, err := root.Lstat(name)
	if err != nil {
		return err
	}
	there, err := os.Lstat(path)
	switch {
	case err != nil:
		return fmt.Errorf("its directory was moved or replaced meanwhile: %w", err)
	case !os.SameFile(here, there):
		return fmt.Errorf("its directory was moved or replaced meanwhile: %s is another file", path)
	}
	return nil
}

// syncDir makes a new name in dir last, where the system has such a promise.
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
