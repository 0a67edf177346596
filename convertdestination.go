package cloudconvert

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// checkDestination makes sure that a file can be written, before anything is
// paid for.
func (c *conversion) checkDestination(dst string) error {
	candidates := []string{dst}
	if c.archive {
		candidates = append(candidates, withExtension(dst, archiveFormat))
	}
	if err := c.checkAllFree(candidates); err != nil {
		return err
	}
	if err := c.client.core.tried.check(filepath.Dir(dst)); err != nil {
		return unwritable(dst, err)
	}
	return nil
}

// triedDir is the last directory in which a file was made to see whether one can
// be. That costs a disk as much as all else that the package adds to a small
// conversion, and wakes whoever watches the directory. For the next conversion into
// the same one it is enough that the system still permits it.
type triedDir struct{ last atomic.Pointer[fs.FileInfo] }

// check makes sure that a file can be made in a directory.
func (t *triedDir) check(dir string) error {
	info, err := os.Stat(dir)
	if last := t.last.Load(); err == nil && last != nil && os.SameFile(*last, info) && mayWrite(dir) {
		return nil
	}
	probe, err := os.CreateTemp(dir, ".cloudconvert-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err == nil {
		t.last.Store(&info)
	}
	return err
}

func (c *conversion) checkAllFree(paths []string) error {
	for _, path := range paths {
		if err := c.checkFree(path); err != nil {
			return err
		}
	}
	return nil
}

// checkFree makes sure that nothing is in the way of a file.
func (c *conversion) checkFree(path string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unwritable(path, err)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return invalid(fmt.Errorf("the destination %q is a directory: name a file", engine.HideQueries(path)))
	case err == nil && info.Mode()&(fs.ModeDevice|fs.ModeNamedPipe|fs.ModeSocket) != 0:
		return invalid(fmt.Errorf("the destination %q is not a file but a device, a pipe or a socket: name a file", path))
	case !c.mayOverwrite(path):
		return fmt.Errorf("cloudconvert: the destination %q is there already: remove it, or use WithOverwrite: %w", path, fs.ErrExist)
	}
	if err := mayReplace(path); err != nil {
		return unwritable(path, err)
	}
	return nil
}

func (c *conversion) mayOverwrite(path string) bool {
	return c.overwrite || slices.Contains(c.own, path)
}

func unwritable(dst string, err error) error {
	return fmt.Errorf("cloudconvert: the destination %q cannot be written: %w", dst, err)
}
