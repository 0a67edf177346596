package cloudconvert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
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
	w := &work{client: c, config: config, dst: destination, plan: &plan{}, reporter: cmp.Or(config.reporter, c.core.reporter)}
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
	s := saver{client: c, overwrite: config.overwrite, reporter: cmp.Or(config.reporter, c.core.reporter)}
	return s.save(ctx, filepath.Clean(dir), files, safefile.Distinct(ownNames(files)))
}

// saveConfig refuses options that saving has no use for.
func saveConfig(method string, opts []RunOption) (runConfig, error) {
	config := defaultRun
	if err := config.apply(opts); err != nil {
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

// save writes files under names below a directory.
func (s *saver) save(ctx context.Context, dir string, files []File, names []string) ([]string, error) {
	if len(files) == 0 {
		return nil, nil
	}
	sources := make([]transfer.File, len(files))
	for i, file := range files {
		var err error
		if sources[i], err = s.client.storageFile(file, s.reporter.transfer(PhaseDownload, s.work, file.Filename)); err != nil {
			return nil, err
		}
	}
	return safefile.Group{
		Dir:      dir,
		Names:    names,
		Parallel: s.client.core.policy.Parallel,
		Replaces: func(path string) bool { return s.overwrite || slices.Contains(s.own, path) },
		Write: func(ctx context.Context, i int, disk *safefile.File) error {
			source := sources[i]
			source.Restart = func() error { return disk.Truncate(0) }
			_, err := s.client.core.storage.Download(ctx, source, disk)
			return err
		},
	}.Save(ctx)
}

// UnsavedError is a job that has finished, and is paid for, and whose files are not on disk.
// Go on with [Client.SaveAs], not with another job.
type UnsavedError struct {
	// Job is the finished job. Its files stay on the service for 24 hours.
	Job *Job
	// Destination is where the files were to go.
	Destination string

	err error
}

// Error says what failed and which job has the files.
func (e *UnsavedError) Error() string {
	var id string
	if e.Job != nil {
		id = " " + e.Job.ID
	}
	text := fmt.Sprintf("cloudconvert: the files of job%s, which has finished, were not saved to %q", id, engine.HideQueries(e.Destination))
	if e.err != nil {
		text += ": " + strings.TrimPrefix(e.err.Error(), "cloudconvert: ")
	}
	return text + ": use SaveAs"
}

func (*UnsavedError) isPaid() {}

// Unwrap returns why the files were not saved.
func (e *UnsavedError) Unwrap() error { return e.err }

// finishedError is a failure after the files of a job were saved. Another job would not
// mend it.
type finishedError struct {
	job string // its id
	err error
}

// Error says that the job has finished, and what failed after it.
func (e *finishedError) Error() string {
	return fmt.Sprintf("%v (job %s has finished, and its files are saved)", e.err, e.job)
}

func (*finishedError) isPaid() {}

// Unwrap returns what failed.
func (e *finishedError) Unwrap() error { return e.err }
