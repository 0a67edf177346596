package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
	"github.com/cloudconvert/cloudconvert-go/internal/transfer"
)

// SaveAs fetches the files of a job ([Job.Files]) and returns their paths. dst is a file,
// or a directory if it ends in a separator. Missing directories are made.
//
// One file gets the name dst. Of several, that is the one with the extension of dst; if
// there are more of those, the stem of dst is followed by the number in which their own
// names differ, so that p-2.jpg is page 2, or else by their place. The others keep their
// own names, made safe. In a directory, files get the service's names.
//
// Either all files are there afterwards, or none, see [Client.Save]. If they cannot be
// written the error is an [*UnsavedError]: SaveAs to another destination is no second job.
func (c *Client) SaveAs(ctx context.Context, job *Job, dst string, opts ...RunOption) ([]string, error) {
	config, err := saveConfig("SaveAs", opts)
	if err != nil {
		return nil, err
	}
	if job == nil {
		return nil, invalid(errors.New("SaveAs: the job is nil"))
	}
	destination, err := newDestination(dst)
	if err != nil {
		return nil, err
	}
	if !job.Status.Terminal() && len(job.Files()) == 0 {
		return nil, invalid(fmt.Errorf("SaveAs: job %s has no files yet: wait for its end first", job.ID))
	}
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	w := &work{client: c, config: config, dst: destination, plan: &plan{}}
	if err := destination.prepare(plannedOutput{}, config.overwrite); err != nil {
		return nil, &UnsavedError{Job: job, Destination: dst, err: err}
	}
	return w.saveAndDiscard(ctx, job)
}

// Save fetches files into a directory, which is created if need be, under the names that
// the service gave them, and returns their paths in the order of the files. Without files
// it does nothing.
//
// Either all files are there afterwards, or none: they are downloaded under
// temporary names, several at a time as [TransferPolicy] says, and get their own
// names when the last one is whole and on disk. If one fails, the others are
// removed. Files that exist are left alone, and the error matches [fs.ErrExist],
// unless [WithOverwrite] is given. With it, files that were already
// replaced when another one could not be given its name stay replaced.
//
// The names are made safe on all systems: a file is never outside of the directory,
// whatever [File.Filename] and [File.Dir] are. Files with a Dir are in a directory of that
// name. A name that occurs twice gets a number. Permissions follow the umask, but for
// those of files that are replaced.
//
// If the directory is moved or replaced meanwhile, the paths would lead elsewhere:
// that is an error, and files that replaced none are removed where they are. A process that is killed
// while it writes leaves files behind whose names end in ".part", which may be deleted.
//
// Everything else is as with [Client.Open].
func (c *Client) Save(ctx context.Context, dir string, files []File, opts ...RunOption) ([]string, error) {
	config, err := saveConfig("Save", opts)
	if err != nil {
		return nil, err
	}
	if config.delete {
		return nil, invalid(errors.New("Save has no use for WithDelete: use SaveAs, which knows the job"))
	}
	s := saver{client: c, overwrite: config.overwrite, reporter: config.reporter}
	if s.reporter == nil {
		s.reporter = c.core.reporter
	}
	return s.save(ctx, filepath.Clean(dir), files, safeNames(files))
}

// saveConfig refuses options that saving has no use for.
func saveConfig(method string, opts []RunOption) (runConfig, error) {
	config, err := newRunConfig(opts)
	if err != nil {
		return runConfig{}, err
	}
	others := slices.DeleteFunc(slices.Clone(config.used), func(name string) bool {
		return slices.Contains([]string{"WithOverwrite", "WithProgress", "WithDelete"}, name)
	})
	return config, config.refuse(method, "it creates no job", others...)
}

// saver writes the files of a job.
type saver struct {
	client    *Client
	overwrite bool
	own       []string // files that may be replaced in any case
	reporter  *reporter
	work      string // by which progress knows the job
}

// saveAs writes files to a destination.
func (s *saver) saveAs(ctx context.Context, files []File, dst *destination, output plannedOutput) ([]string, error) {
	if len(files) == 0 {
		return nil, errors.New("the job has no exported files")
	}
	return s.save(ctx, dst.dir(), files, dst.names(files, output))
}

// save writes files under names below a directory.
func (s *saver) save(ctx context.Context, dir string, files []File, names []string) ([]string, error) {
	if len(files) == 0 {
		return nil, nil
	}
	for _, file := range files {
		if _, err := s.client.fileURL(file); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, newDirMode); err != nil {
		return nil, fmt.Errorf("cloudconvert: save: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: save: %w", err)
	}
	g := &saving{saver: s, root: root, parallel: s.client.core.config.transfers.withDefaults().Parallel}
	for i, name := range names {
		g.files = append(g.files, &savedFile{File: files[i], name: name})
	}
	if err := errors.Join(g.run(ctx), root.Close()); err != nil {
		return nil, err
	}
	return g.paths(), nil
}

// pathBelow returns the path of a file with a slash path below a directory.
func pathBelow(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

// saving is a group of files on their way to the disk.
type saving struct {
	*saver

	root     *os.Root
	parallel int
	files    []*savedFile
	made     []string // directories, the outer ones first
}

// savedFile is a file on its way to the disk.
type savedFile struct {
	File

	name    string         // below the root, with slashes
	disk    *safefile.File // nil until the download begins
	made    fs.FileInfo    // what it is, to be told from others of its name
	created bool           // it has its name, and nothing had it before
}

// run saves all files or none.
func (s *saving) run(ctx context.Context) error {
	err := s.prepare(ctx)
	if err == nil {
		err = transfer.Each(ctx, s.parallel, s.files, s.fetch)
	}
	if err == nil {
		err = transfer.Each(ctx, s.parallel, s.files, s.commit)
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
		if _, err := s.root.Lstat(file.name); err == nil && !s.replaces(file) {
			return s.inTheWay(file)
		}
	}
	return nil
}

// inTheWay is the failure to give a file a name that another one has.
func (s *saving) inTheWay(file *savedFile) error {
	return fmt.Errorf("cloudconvert: save: %s already exists: remove it, or use WithOverwrite: %w", s.path(file), fs.ErrExist)
}

// replaces reports whether a file may replace another one.
func (s *saving) replaces(file *savedFile) bool {
	return s.overwrite || slices.Contains(s.own, s.path(file))
}

// path is where a file is going to be.
func (s *saving) path(file *savedFile) string {
	return pathBelow(s.root.Name(), file.name)
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
	source, err := s.client.storageFile(file.File, s.reporter.transfer(PhaseDownload, s.work, file.Filename))
	if err != nil {
		return err
	}
	if file.disk, err = safefile.Create(s.root, file.name); err != nil {
		return s.failed(err)
	}
	source.Restart = func() error { return file.disk.Truncate(0) }
	if _, err = s.client.core.storage.Download(ctx, source, file.disk); err != nil {
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
	case errors.Is(err, fs.ErrExist) && !s.replaces(file):
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
