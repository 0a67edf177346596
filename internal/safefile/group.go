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

// NewDirMode is what new directories get, but for what the umask takes away.
const NewDirMode = 0o777

// Group is files that appear below a directory all or not at all.
type Group struct {
	// Dir is made if it is missing.
	Dir string
	// Names are slash paths below Dir, each of another file, see [Distinct].
	Names []string
	// Parallel is how many files are written at most concurrently.
	Parallel int
	// Replaces reports whether the file that has a path may be replaced.
	Replaces func(path string) bool
	// Write writes the content of file i. It may truncate the file and start over.
	Write func(ctx context.Context, i int, file *File) error
}

// Save writes the files and returns their paths. If one cannot be written or named, the
// others are removed, and so are the directories that Save has made below Dir. Files that
// were replaced by then stay replaced.
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

// Path returns the path of a file with a slash path below a directory.
func Path(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

// saving is a group on its way to the disk.
type saving struct {
	Group

	root  *os.Root
	files []*groupFile
	made  []string // directories, the outer ones first
}

// groupFile is a file of a group.
type groupFile struct {
	i          int
	name, path string
	file       *File       // nil until it is written
	made       fs.FileInfo // what it is, to be told from others of its name
	created    bool        // it has its name, and nothing had it before
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

// prepare makes directories, and finds out what is in the way before anything is written.
func (s *saving) prepare(ctx context.Context) error {
	for _, f := range s.files {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("cloudconvert: save: %w", err)
		}
		if err := s.makeDirs(f.name); err != nil {
			return fmt.Errorf("cloudconvert: save: %w", err)
		}
		if _, err := s.root.Lstat(f.name); err == nil && !s.Replaces(f.path) {
			return inTheWay(f.path)
		}
	}
	return nil
}

func inTheWay(path string) error {
	return fmt.Errorf("cloudconvert: save: %s already exists: remove it, or use WithOverwrite: %w", path, fs.ErrExist)
}

// makeDirs makes the directories above a name that are missing.
func (s *saving) makeDirs(name string) error {
	for _, dir := range parents(name) {
		switch err := s.root.Mkdir(dir, NewDirMode); {
		case err == nil:
			s.made = append(s.made, dir)
		case !errors.Is(err, fs.ErrExist):
			return err
		}
	}
	return nil
}

// write writes a file under a temporary name.
func (s *saving) write(ctx context.Context, f *groupFile) error {
	var err error
	if f.file, err = Create(s.root, f.name); err != nil {
		return s.failed(err)
	}
	if err := s.Write(ctx, f.i, f.file); err != nil {
		return err
	}
	// Otherwise a call would have as many files open as it saves.
	if err := f.file.Close(); err != nil {
		return s.failed(err)
	}
	return nil
}

// commit gives a file its name.
func (s *saving) commit(_ context.Context, f *groupFile) error {
	var err error
	if f.made, err = f.file.Info(); err == nil {
		err = f.file.Commit(false)
	}
	f.created = f.file.Named()
	switch {
	case errors.Is(err, fs.ErrExist) && !s.Replaces(f.path):
		return inTheWay(f.path)
	case errors.Is(err, fs.ErrExist):
		err = f.file.Commit(true)
	}
	if err != nil {
		return s.failed(err)
	}
	return nil
}

// syncDirs makes the new names last.
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
	return fmt.Errorf("cloudconvert: in the directory %s: %w", s.root.Name(), err)
}

// undo removes what the group has made.
func (s *saving) undo() error {
	var problems []error
	for _, f := range s.files {
		if f.created {
			problems = append(problems, s.remove(f))
		}
		if f.file != nil {
			problems = append(problems, f.file.Abort())
		}
	}
	for _, dir := range slices.Backward(s.made) {
		_ = s.root.Remove(dir) // it stays if another process has put something into it
	}
	return errors.Join(problems...)
}

// remove removes a file, unless another one has taken its place meanwhile.
func (s *saving) remove(f *groupFile) error {
	now, err := s.root.Lstat(f.name)
	if err != nil || !os.SameFile(f.made, now) {
		return nil //nolint:nilerr // there is nothing to remove
	}
	return s.root.Remove(f.name)
}
