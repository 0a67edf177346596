package safefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/parallel"
)

// NewDirMode is the mode of new directories, before the umask.
const NewDirMode = 0o777

// Group is a set of files below a directory that are saved together: all of them appear,
// or none.
type Group struct {
	// Dir is the directory. It is created if it does not exist.
	Dir string
	// Names are slash paths below Dir. No two may name the same file, see [Distinct].
	Names []string
	// Parallel is the maximum number of files written concurrently.
	Parallel int
	// Replaces reports whether an existing file may be replaced.
	Replaces func(path string) bool
	// KeepsIdentical makes an existing file count as saved if it has the same bytes. Files
	// that were saved then stay if others fail.
	KeepsIdentical bool
	// Write writes the content of file i. It may truncate the file and start over.
	Write func(ctx context.Context, i int, file *File) error
}

// Save writes the files and returns their paths. If it fails, it removes the files that
// it has saved, unless KeepsIdentical is set, and the directories that it has created below
// Dir. Files that it has already replaced stay replaced.
func (g Group) Save(ctx context.Context) ([]string, error) {
	if err := os.MkdirAll(g.Dir, NewDirMode); err != nil {
		return nil, fmt.Errorf("cloudconvert: save: %w", err)
	}
	root, err := os.OpenRoot(g.Dir)
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: save: %w", err)
	}
	s := &saving{Group: g, root: root}
	paths := make([]string, 0, len(g.Names))
	for i, name := range g.Names {
		s.files = append(s.files, &groupFile{i: i, name: name, path: Path(g.Dir, name)})
		paths = append(paths, s.files[i].path)
	}
	if err := errors.Join(s.run(ctx), root.Close()); err != nil {
		return nil, err
	}
	return paths, nil
}

// CheckDir returns why a group could not be saved to a directory that exists.
func CheckDir(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	name := temporary("probe")
	probe, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = errors.Join(probe.Close(), root.Remove(name))
	}
	return errors.Join(err, root.Close())
}

// Path returns the path of a file named by a slash path below a directory.
func Path(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

// saving is the state of a Save.
type saving struct {
	Group

	root  *os.Root
	files []*groupFile
	dirs  []string // new directories, outer ones first
}

// groupFile is a file of a group.
type groupFile struct {
	i          int
	name, path string
	file       *File       // nil until it is written
	info       fs.FileInfo // identifies the file after it got its name
	created    bool        // it has its name, and did not replace another file
}

func (s *saving) run(ctx context.Context) error {
	err := s.prepare(ctx)
	if err == nil {
		err = parallel.Each(ctx, s.Parallel, s.files, s.write)
	}
	if err == nil {
		err = parallel.Each(ctx, s.Parallel, s.files, s.commit)
	}
	if err == nil {
		err = s.syncDirs()
	}
	if err == nil {
		return nil
	}
	return errors.Join(err, s.undo())
}

// prepare creates directories, and checks for existing files before anything is written.
func (s *saving) prepare(ctx context.Context) error {
	for _, f := range s.files {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("cloudconvert: save: %w", err)
		}
		if err := s.makeDirs(f.name); err != nil {
			return fmt.Errorf("cloudconvert: save: %w", err)
		}
		if _, err := s.root.Lstat(f.name); err == nil && !s.KeepsIdentical && !s.Replaces(f.path) {
			return existsError(f.path)
		}
	}
	return nil
}

func existsError(path string) error {
	return fmt.Errorf("cloudconvert: save: %s already exists: remove it, or use WithOverwrite: %w", path, fs.ErrExist)
}

// makeDirs creates the missing directories above a name.
func (s *saving) makeDirs(name string) error {
	for _, dir := range parents(name) {
		switch err := s.root.Mkdir(dir, NewDirMode); {
		case err == nil:
			s.dirs = append(s.dirs, dir)
		case !errors.Is(err, fs.ErrExist):
			return err
		}
	}
	return nil
}

// write writes a file under its temporary name.
func (s *saving) write(ctx context.Context, f *groupFile) error {
	var err error
	if f.file, err = newFile(s.root, f.name); err != nil {
		return s.failed(err)
	}
	if err := s.Write(ctx, f.i, f.file); err != nil {
		return err
	}
	// Otherwise all files of the group would be open at the same time.
	if err := f.file.closeFile(); err != nil {
		return s.failed(err)
	}
	return nil
}

// commit gives a file its name. It replaces an existing file only after an attempt that
// replaces none: a new file is removed if the group fails later, and a file that replaced
// another is kept. Only the first attempt proves which of the two it is.
func (s *saving) commit(ctx context.Context, f *groupFile) error {
	var err error
	if f.info, err = f.file.info(); err == nil {
		err = f.file.commit(false)
	}
	f.created = f.file.named
	switch {
	case errors.Is(err, fs.ErrExist) && !s.Replaces(f.path):
		return s.keep(ctx, f)
	case errors.Is(err, fs.ErrExist):
		err = f.file.commit(true)
	}
	if err != nil {
		return s.failed(err)
	}
	return nil
}

// keep leaves a file that exists, if it may count as the saved one.
func (s *saving) keep(ctx context.Context, f *groupFile) error {
	if !s.KeepsIdentical {
		return existsError(f.path)
	}
	switch identical, err := f.file.isIdentical(ctx); {
	case err != nil:
		return s.failed(err)
	case !identical:
		return existsError(f.path)
	}
	return f.file.abort()
}

// syncDirs writes the new names to disk.
func (s *saving) syncDirs() error {
	synced := map[string]bool{}
	for _, f := range s.files {
		dir := path.Dir(f.name)
		if synced[dir] {
			continue
		}
		synced[dir] = true
		if err := syncDir(s.root, dir); err != nil {
			return s.failed(fmt.Errorf("%s is saved, but may not survive a power failure: %w", f.name, err))
		}
	}
	return nil
}

func (s *saving) failed(err error) error {
	return fmt.Errorf("cloudconvert: save to %s: %w", s.root.Name(), err)
}

// undo removes the files and directories that Save has created. With KeepsIdentical,
// another process may count on a file that has its name: it stays.
func (s *saving) undo() error {
	var problems []error
	for _, f := range s.files {
		if f.created && !s.KeepsIdentical {
			problems = append(problems, s.remove(f))
		}
		if f.file != nil {
			problems = append(problems, f.file.abort())
		}
	}
	for _, dir := range slices.Backward(s.dirs) {
		_ = s.root.Remove(dir) // fails if it contains files of other processes
	}
	return errors.Join(problems...)
}

// remove removes a file, unless it was replaced in the meantime.
func (s *saving) remove(f *groupFile) error {
	now, err := s.root.Lstat(f.name)
	if err != nil || !os.SameFile(f.info, now) {
		return nil //nolint:nilerr // the file is gone already
	}
	return s.root.Remove(f.name)
}
