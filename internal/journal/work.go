package journal

import (
	"context"
	"os"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// Work is the record of one work. The zero Work has no journal and records nothing.
type Work struct {
	// Earlier is what earlier runs have recorded last.
	Earlier Entry
	// Tag is the tag of the job, once the journal has it. Begin sets it, or else the
	// caller that goes on with the job of an earlier run.
	Tag string

	journal    *Journal
	name, hash string
}

// Entry is what a line of the journal says of its work.
type Entry struct {
	// Tag is the tag of the job that the work was begun with.
	Tag string `json:"tag,omitzero"`
	// Files are written, if Done, or were about to be. None of them was there before.
	Files []string `json:"files,omitzero"`
	// Sizes are those of Files that were about to be written, 0 where they are unknown.
	Sizes []int64 `json:"sizes,omitzero"`
	Done  bool    `json:"done,omitzero"`
	// Begun is when the creation of the job was last known to be under way, zero if that
	// is unknown.
	Begun lenient.Time `json:"begun,omitzero"`
}

// IsDone reports whether nothing is left to do: all files are still there. As files appear
// whole, those of a run that ended while it wrote them are as good.
func (e Entry) IsDone() bool {
	return (e.Done || e.IsSaving()) && len(e.present()) == len(e.Files)
}

// IsSaving reports whether the run ended while it wrote the files.
func (e Entry) IsSaving() bool { return !e.Done && len(e.Files) > 0 }

// Remains returns the files that a run which ended while it wrote them has left.
func (e Entry) Remains() []string {
	if !e.IsSaving() {
		return nil
	}
	return e.present()
}

// present returns the files that are there. As they appear whole, one that has another
// size than the one that was about to be written is not the same.
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
// find it whatever happens.
func (w *Work) Begin(ctx context.Context, tag string) error {
	err := w.record(ctx, Entry{Tag: tag, Begun: lenient.Time{Time: time.Now().UTC()}})
	if err == nil {
		w.Tag = tag
	}
	return err
}

// BeginInterval is how often a creation that is under way is recorded. It may wait for
// limits, and be sent hours after it began.
const BeginInterval = 10 * time.Second

// KeepAlive goes on recording that the job is about to be created, until it is stopped.
func (w *Work) KeepAlive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for poll.Pause(ctx, BeginInterval) == nil {
			_ = w.Begin(ctx, w.Tag) // without the record, the next run is less patient
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// Saving records files that are about to appear, and their sizes. None of them may be
// there but the remains of an earlier run.
func (w *Work) Saving(ctx context.Context, files []string, sizes []int64) error {
	return w.record(ctx, Entry{Tag: w.Tag, Files: files, Sizes: sizes})
}

// Done records that the work is done.
func (w *Work) Done(ctx context.Context, files []string) error {
	return w.record(ctx, Entry{Files: files, Done: true})
}

// Forget records that the work is as if it had never been begun.
func (w *Work) Forget(ctx context.Context) error { return w.record(ctx, Entry{}) }

func (w *Work) record(ctx context.Context, e Entry) error {
	if w.journal == nil {
		return nil
	}
	return within(ctx, func() error { return w.journal.append(line{w.name, w.hash, e}) })
}
