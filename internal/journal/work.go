package journal

import (
	"context"
	"os"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// Work is the record of one work. The zero Work belongs to no journal and records
// nothing.
type Work struct {
	// Earlier is the last entry of earlier runs.
	Earlier Entry
	// Tag is the tag of the job once it is in the journal. It is set by Begin, or by a
	// caller that continues the job of an earlier run.
	Tag string

	journal    *Journal
	name, hash string
}

// Entry is the content of a line about a work.
type Entry struct {
	// Tag is the tag of the job of the work.
	Tag string `json:"tag,omitzero"`
	// Files are the files written, if Done, and otherwise those that were about to be
	// written. The latter did not exist before, see [Work.Saving].
	Files []string `json:"files,omitzero"`
	// Sizes are the sizes of Files that were about to be written, 0 if unknown.
	Sizes []int64 `json:"sizes,omitzero"`
	Done  bool    `json:"done,omitzero"`
	// Begun is when the creation of the job was last known to be in progress, zero if
	// unknown.
	Begun lenient.Time `json:"begun,omitzero"`
}

// IsDone reports whether nothing is left to do because all files still exist. Files
// appear complete, so those of a run that ended while it saved them count.
func (e Entry) IsDone() bool {
	return (e.Done || e.IsSaving()) && len(e.present()) == len(e.Files)
}

// IsSaving reports whether the run ended while it saved the files.
func (e Entry) IsSaving() bool { return !e.Done && len(e.Files) > 0 }

// Remains returns the existing files of a run that ended while it saved them.
func (e Entry) Remains() []string {
	if !e.IsSaving() {
		return nil
	}
	return e.present()
}

// present returns the files that exist. Files appear complete, so a file whose size
// differs from the recorded one is another file.
func (e Entry) present() []string {
	var present []string
	for n, file := range e.Files {
		info, err := os.Stat(file)
		if err != nil || n < len(e.Sizes) && e.Sizes[n] > 0 && e.Sizes[n] != info.Size() {
			continue
		}
		present = append(present, file)
	}
	return present
}

// IsKept reports whether there is a journal.
func (w *Work) IsKept() bool { return w.journal != nil }

// Begin records that a job with a tag is about to be created, so that the next run can
// find the job.
func (w *Work) Begin(ctx context.Context, tag string) error {
	err := w.record(ctx, Entry{Tag: tag, Begun: lenient.Time{Time: time.Now().UTC()}})
	if err == nil {
		w.Tag = tag
	}
	return err
}

// BeginInterval is how often a creation in progress is recorded. It may wait for rate
// limits, and be sent hours after it began.
const BeginInterval = 10 * time.Second

// KeepAlive records at intervals that the creation of the job is in progress, until stop
// is called or the context ends. stop waits until a record in progress is written.
func (w *Work) KeepAlive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for poll.Pause(ctx, BeginInterval) == nil {
			_ = w.Begin(ctx, w.Tag) // without it, the next run only waits a shorter time for the job
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// Saving records files that are about to be saved, with their sizes. None of them may
// exist, except those of Remains.
func (w *Work) Saving(ctx context.Context, files []string, sizes []int64) error {
	return w.record(ctx, Entry{Tag: w.Tag, Files: files, Sizes: sizes})
}

// Done records that the work is done.
func (w *Work) Done(ctx context.Context, files []string) error {
	return w.record(ctx, Entry{Files: files, Done: true})
}

// Forget records that the work has not begun.
func (w *Work) Forget(ctx context.Context) error { return w.record(ctx, Entry{}) }

func (w *Work) record(ctx context.Context, e Entry) error {
	if w.journal == nil {
		return nil
	}
	return within(ctx, func() error { return w.journal.append(line{w.name, w.hash, e}) })
}
