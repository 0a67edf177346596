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

// SaveAs writes the files of a job, which [Job.Files] lists, and returns their
// paths. dst is a file, or a directory if it ends in a separator. Missing
// directories are created.
//
// A single file is written to dst. Of several files, the one with the extension of dst
// is written to dst. If more of them have that extension, a number is added to the stem
// of dst: the number in which their own names differ, so that p-2.jpg is page 2, or
// else their position. The other files keep their own names, made safe. In a directory,
// all files have the names that the service gave them.
//
// Either all files are written, or none, see [Client.Save]. If they cannot be written,
// the error is an [*UnsavedError]. SaveAs can be called again with another destination,
// and never creates a job.
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
	if err := destination.prepare(plannedOutput{}, w.isReplaceable); err != nil {
		return nil, &UnsavedError{Job: job, Destination: dst, err: err}
	}
	return w.saveAndDiscard(ctx, job)
}

// Save writes files to a directory, which is created if it does not exist, under the
// names that the service gave them. It returns their paths in the order of the files.
// Without files it does nothing.
//
// Either all files are written, or none. They are downloaded under temporary names,
// several concurrently, see [TransferPolicy], and renamed when all are complete and on
// disk. If one fails, the others are removed. A file that exists is left alone, and the
// error matches [fs.ErrExist], unless [WithOverwrite] is given. With it, files that
// were already replaced stay replaced if another file cannot be renamed.
//
// The names are made safe on all systems: no file is written outside of the directory,
// whatever [File.Filename] and [File.Dir] are. Files with a Dir are written to a
// subdirectory of that name. If a name occurs twice, a number is added. Permissions
// follow the umask, except for those of files that are replaced.
//
// If the directory is moved or replaced in the meantime, its path leads elsewhere. This
// is an error, and new files are removed where they are. Files that replaced others
// stay. A process that is killed while it writes leaves files whose names end in
// ".part", which may be deleted.
//
// Files are downloaded as [Client.Open] does, with the same errors.
func (c *Client) Save(ctx context.Context, dir string, files []File, opts ...RunOption) ([]string, error) {
	config, err := saveConfig("Save", opts)
	if err != nil {
		return nil, err
	}
	if config.delete {
		return nil, invalid(errors.New("Save does not accept WithDelete: use SaveAs, which knows the job"))
	}
	s := saver{client: c, isReplaceable: func(string) bool { return config.overwrite }, reporter: cmp.Or(config.reporter, c.core.reporter)}
	return s.save(ctx, filepath.Clean(dir), files, safefile.Distinct(ownNames(files)))
}

// saveConfig applies the options of a method that saves files, and refuses
// those of jobs.
func saveConfig(method string, opts []RunOption) (runConfig, error) {
	config := defaultRun
	if err := config.apply(opts); err != nil {
		return runConfig{}, err
	}
	others := slices.DeleteFunc(slices.Clone(config.used), func(name string) bool {
		return slices.Contains([]string{"WithOverwrite", "WithProgress", "WithDelete"}, name)
	})
	return config, config.refuse(method, "it creates no job: leave them out", others...)
}

// saver writes files of a job.
type saver struct {
	client        *Client
	isReplaceable func(path string) bool
	// keepsIdentical makes an existing file with the same bytes count as saved.
	keepsIdentical bool
	reporter       *reporter
	work           string // in progress
}

// save writes files to a directory, under names relative to it.
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
		Replaces: s.isReplaceable, KeepsIdentical: s.keepsIdentical,
		Write: func(ctx context.Context, i int, disk *safefile.File) error {
			source := sources[i]
			source.Restart = func() error { return disk.Truncate(0) }
			_, err := s.client.core.download(ctx, files[i], source, disk)
			return err
		},
	}.Save(ctx)
}

// errNoFiles means that a finished job exports nothing: a retry would not help.
var errNoFiles = errors.New("the job has no exported files")

// UnsavedError is the error of a job that has finished, and is paid for, but whose
// files could not be saved. Save them with [Client.SaveAs], and do not run another job.
// With [WithJournal], the next run saves them, and with [WithKey] the same call.
type UnsavedError struct {
	// Job is the finished job. Its files stay on the service for 24 hours.
	Job *Job
	// Destination is where the files were to be written.
	Destination string

	err error
}

// Error returns why the files were not saved, and the id of the job that has them.
func (e *UnsavedError) Error() string {
	var id string
	if e.Job != nil {
		id = " " + e.Job.ID
	}
	text := fmt.Sprintf("cloudconvert: the files of job%s, which has finished, were not saved to %q", id, engine.HideQueries(e.Destination))
	if e.err != nil {
		text += ": " + strings.TrimPrefix(e.err.Error(), "cloudconvert: ")
	}
	if errors.Is(e.err, errNoFiles) {
		return text
	}
	return text + ": use SaveAs"
}

func (*UnsavedError) isPaid() {}

// Unwrap returns why the files were not saved.
func (e *UnsavedError) Unwrap() error { return e.err }

// finishedError is a failure after the files of a job were saved. Another job
// would not help.
type finishedError struct {
	job string // its id
	err error
}

// Error returns the failure, and says that the job has finished.
func (e *finishedError) Error() string {
	return fmt.Sprintf("%v (job %s has finished)", e.err, e.job)
}

func (*finishedError) isPaid() {}

// Unwrap returns the failure.
func (e *finishedError) Unwrap() error { return e.err }
