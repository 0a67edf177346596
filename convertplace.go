package cloudconvert

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
)

// place is where a conversion writes its output. It is taken before anything is
// paid for, by a file under a temporary name: nothing else proves that there can
// be one.
type place struct {
	path string
	root *os.Root
	file *safefile.File
}

// take takes the place of a file, unless something is in the way. The caller
// leaves it.
func (c *conversion) take(dst string) (*place, error) {
	candidates := []string{dst}
	if c.archive {
		candidates = append(candidates, withExtension(dst, archiveFormat))
	}
	if err := c.checkAllFree(candidates); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(filepath.Dir(dst))
	if err != nil {
		return nil, unwritable(dst, err)
	}
	file, err := safefile.Create(root, filepath.Base(dst))
	if err != nil {
		return nil, unwritable(dst, errors.Join(err, root.Close()))
	}
	return &place{path: dst, root: root, file: file}, nil
}

// held returns the file that holds the place, if it has this name.
func (p *place) held(name string) *safefile.File {
	if name != p.file.Name() {
		return nil
	}
	return p.file
}

// leave removes the file that held the place, if it did not get its name.
func (p *place) leave() error {
	return errors.Join(p.file.Abort(), p.root.Close())
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
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return invalid(fmt.Errorf("the destination %q is a directory: name a file", path))
	}
	if !c.overwrite {
		return fmt.Errorf("cloudconvert: the destination %q is there already: remove it, or use WithOverwrite: %w", path, fs.ErrExist)
	}
	return nil
}

func unwritable(dst string, err error) error {
	return fmt.Errorf("cloudconvert: the destination %q cannot be written: %w", dst, err)
}
