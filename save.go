package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
)

// Save fetches files into a directory, which is created if need be, and
// returns their paths in the order of the files. Without files it does nothing.
//
// Either all files are there afterwards, or none: they are downloaded under
// temporary names, several at a time as [TransferPolicy] says, and get their own
// names when the last one is whole and on disk. If one fails, the others are
// removed. Files that exist are left alone, and the error matches [fs.ErrExist],
// unless [TransferPolicy.Overwrite] is set. With it, files that were already
// replaced when another one could not be given its name stay replaced.
//
// The names come from the service and are made safe on all systems: a file is
// never outside of the directory, whatever [File.Filename] and [File.Dir] are.
// Files with a Dir are in a directory of that name. A name that occurs twice
// gets a number. Permissions follow the umask, but for those of files that are
// replaced.
//
// If the directory is moved or replaced meanwhile, the paths would lead elsewhere:
// that is an error, and files that replaced none are removed where they are.
//
// Everything else is as with [Client.Open].
func (c *Client) Save(ctx context.Context, dir string, files ...File) ([]string, error) {
	if len(files) == 0 {
		return nil, nil
	}
	for _, file := range files {
		if _, err := c.core.checkFile(file); err != nil {
			return nil, err
		}
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(dir, newDirMode); err != nil {
		return nil, fmt.Errorf("cloudconvert: save: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: save: %w", err)
	}
	s := newSaving(c, root, files)
	if err := errors.Join(s.run(ctx), root.Close()); err != nil {
		return nil, err
	}
	return s.paths(), nil
}

// newDirMode is what new directories get, but for what the umask takes away.
const newDirMode = 0o777

// saving is one call of Save.
type saving struct {
	client   *Client
	root     *os.Root
	remedy   string // what to do about a file that is in the way
	parallel int
	files    []*savedFile
	made     []string // directories, the outer ones first
}

// savedFile is a file on its way to the disk.
type savedFile struct {
	File

	name      string         // below the root, with slashes
	overwrite bool           // it may replace another one
	disk      *safefile.File // nil until the download begins
	made      fs.FileInfo    // what it is, to be told from others of its name
	created   bool           // it has its name, and nothing had it before
}

func newSaving(c *Client, root *os.Root, files []File) *saving {
	policy := c.core.config.transfers.withDefaults()
	s := &saving{
		client: c, root: root, parallel: policy.Parallel,
		remedy: "set Overwrite in the TransferPolicy of WithTransfers",
	}
	for i, name := range safeNames(files) {
		s.files = append(s.files, &savedFile{File: files[i], name: name, overwrite: policy.Overwrite})
	}
	return s
}

// run saves all files or none.
func (s *saving) run(ctx context.Context) error {
	err := s.prepare(ctx)
	if err == nil {
		err = each(ctx, s.parallel, s.files, s.fetch)
	}
	if err == nil {
		err = each(ctx, s.parallel, s.files, s.commit)
	}
	if err == nil {
		return nil
	}
	return errors.Join(err, s.undo())
}

// prepare makes directories, and finds out what is in the way before anything
// is fetched.
func (s *saving) prepare(ctx context.Context) error {
	for _, file := range s.files {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("cloudconvert: save: %w", err)
		}
		if err := s.makeDirs(file.name); err != nil {
			return fmt.Errorf("cloudconvert: save: %w", err)
		}
		if _, err := s.root.Lstat(file.name); err == nil && !file.overwrite {
			return s.inTheWay(file)
		}
	}
	return nil
}

// inTheWay is the failure to give a file a name that another one has.
func (s *saving) inTheWay(file *savedFile) error {
	return fmt.Errorf("cloudconvert: save: %s is there already: remove it, or %s: %w", s.path(file), s.remedy, fs.ErrExist)
}

// path is where a file is going to be.
func (s *saving) path(file *savedFile) string {
	return filepath.Join(s.root.Name(), filepath.FromSlash(file.name))
}

// makeDirs makes the directories above a name that are missing.
func (s *saving) makeDirs(name string) error {
	for _, dir := range parents(name) {
		switch err := s.root.Mkdir(dir, newDirMode); {
		case err == nil:
			s.made = append(s.made, dir)
		case !errors.Is(err, fs.ErrExist):
			return err
		}
	}
	return nil
}

// fetch downloads a file under a temporary name.
func (s *saving) fetch(ctx context.Context, file *savedFile) error {
	download, err := s.client.newDownload(ctx, file.File)
	if err != nil {
		return err
	}
	defer download.close()
	if file.disk, err = safefile.Create(s.root, file.name); err != nil {
		return s.failed(err)
	}
	download.restart = func() error { return file.disk.Truncate(0) }
	if _, err = download.WriteTo(file.disk); err != nil {
		return err
	}
	// Otherwise a call would have as many files open as it saves.
	if err := file.disk.Close(); err != nil {
		return s.failed(err)
	}
	return nil
}

// commit gives a file its name.
func (s *saving) commit(_ context.Context, file *savedFile) error {
	var err error
	if file.made, err = file.disk.Info(); err == nil {
		err = file.disk.Commit(false)
	}
	file.created = file.disk.Named()
	switch {
	case errors.Is(err, fs.ErrExist) && !file.overwrite:
		return s.inTheWay(file)
	case errors.Is(err, fs.ErrExist):
		err = file.disk.Commit(true)
	}
	if err != nil {
		return s.failed(err)
	}
	return nil
}

// failed tells the directory of what failed in it.
func (s *saving) failed(err error) error {
	return fmt.Errorf("cloudconvert: in the directory %s: %w", s.root.Name(), err)
}

// undo removes what the call has made.
func (s *saving) undo() error {
	var problems []error
	for _, file := range s.files {
		if file.created {
			problems = append(problems, s.remove(file))
		}
		if file.disk != nil {
			problems = append(problems, file.disk.Abort())
		}
	}
	for len(s.made) > 0 {
		last := len(s.made) - 1
		// It stays if somebody else has put something into it meanwhile.
		_ = s.root.Remove(s.made[last])
		s.made = s.made[:last]
	}
	return errors.Join(problems...)
}

// remove removes a file, unless another one has taken its place meanwhile.
func (s *saving) remove(file *savedFile) error {
	now, err := s.root.Lstat(file.name)
	if err != nil || !os.SameFile(file.made, now) {
		return nil //nolint:nilerr // what is not there needs not be removed.
	}
	return s.root.Remove(file.name)
}

func (s *saving) paths() []string {
	paths := make([]string, 0, len(s.files))
	for _, file := range s.files {
		paths = append(paths, s.path(file))
	}
	return paths
}
