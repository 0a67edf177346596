package cloudconvert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// journaled is a work of a batch with a journal. A nil one records nothing.
type journaled struct {
	journal *journal
	client  *Client
	id      workID
	tag     string
	earlier journalEntry // what an earlier run has left
	noted   bool         // the journal has the tag of the job
}

func newJournaled(j *journal, w *work) (*journaled, error) {
	if w.plan.request.Tag != "" {
		return nil, invalid(errors.New("the journal finds jobs by their tags: leave the Tag of the request empty"))
	}
	if w.dst != nil && !utf8.ValidString(w.dst.path) {
		return nil, invalid(fmt.Errorf("the journal cannot hold the destination %q, which is not UTF-8 text: use another name", w.dst.path))
	}
	hash, err := w.hash()
	if err != nil {
		return nil, err
	}
	id := workID{w.name, hash}
	return &journaled{journal: j, client: w.client, id: id, earlier: j.entries[id]}, nil
}

// hash stands for the tasks and the destination of a work. Local sources count by what
// they were made of, and not by their content.
func (w *work) hash() (string, error) {
	body := w.plan.body
	body.Tasks = maps.Clone(body.Tasks)
	for _, s := range w.plan.sources {
		body.Tasks[s.task] = map[string]any{"source": s.String(), "name": s.name}
	}
	text, err := encodeJSON(body)
	if err != nil {
		return "", invalid(err)
	}
	if w.dst != nil {
		text = append(text, w.dst.path...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12]), nil
}

// done returns the files of a work that an earlier run has finished.
func (n *journaled) done() ([]string, bool) {
	if n == nil || !n.earlier.isDone() {
		return nil, false
	}
	return n.earlier.Files, true
}

// checkFree returns an error if some of the files that an earlier run has finished are
// gone, and others, which would be written again, are in the way.
func (n *journaled) checkFree(overwrite bool) error {
	if n == nil || n.isSaving() {
		return nil
	}
	for _, file := range n.earlier.Files {
		if err := checkFree(file, overwrite); err != nil {
			return err
		}
	}
	return nil
}

// isSaving reports whether an earlier run ended while it wrote the files.
func (n *journaled) isSaving() bool { return n != nil && n.earlier.saving() }

// earlierFiles returns the files that an earlier run may have written, none of which was
// there before.
func (n *journaled) earlierFiles() []string {
	if !n.isSaving() {
		return nil
	}
	return n.earlier.ownFiles()
}

// adopt returns the job that an earlier run has left, or nil. That run may have ended a
// moment ago, with its request on the way. A job that failed is of no use: the work is done
// again.
func (n *journaled) adopt(ctx context.Context) (*Job, error) {
	if n == nil || n.earlier.Tag == "" {
		return nil, nil //nolint:nilnil // no job is not a failure
	}
	patience := n.earlier.patience()
	for gap := lookupPause; ; gap *= 2 {
		job, err := n.client.Jobs.find(ctx, n.earlier.Tag)
		switch {
		case err != nil:
			return nil, err
		case job != nil && job.Status == StatusError:
			return nil, nil //nolint:nilnil // as above
		case job != nil:
			n.tag, n.noted = n.earlier.Tag, true
			return job, nil
		case patience <= 0:
			return nil, nil //nolint:nilnil // as above
		}
		gap = min(gap, patience)
		if err := poll.Pause(ctx, gap); err != nil {
			return nil, fmt.Errorf("cloudconvert: looking for the job of an earlier run by its tag %q: %w", n.earlier.Tag, err)
		}
		patience -= gap
	}
}

// noteInterval is how often a creation that is under way is recorded. It may wait for
// limits, and be sent hours after it began.
const noteInterval = 10 * time.Second

// note records that a job is about to be created, so that the next run can find it whatever
// happens, and goes on recording it until it is stopped. It gives the job its tag.
func (n *journaled) note(ctx context.Context, c *creation) (stop func(), err error) {
	if n == nil {
		return func() {}, nil
	}
	n.tag = newTag()
	c.body.Tag, c.own, c.journaled = n.tag, true, true
	if err := n.begun(ctx); err != nil {
		return nil, err
	}
	n.noted = true
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for poll.Pause(ctx, noteInterval) == nil {
			_ = n.begun(ctx) // without the record, the next run is less patient
		}
	}()
	return func() {
		cancel()
		<-done
	}, nil
}

func (n *journaled) begun(ctx context.Context) error {
	return n.record(ctx, journalEntry{Tag: n.tag, Begun: lenient.Time{Time: time.Now().UTC()}})
}

// saving records the files that are about to appear, if none of them is there but those of
// an earlier run.
func (n *journaled) saving(ctx context.Context, overwrite bool, paths []string, files []File) error {
	if n == nil || overwrite {
		return nil // files that are replaced cannot be told from those that were there
	}
	entry := journalEntry{Tag: n.tag, Files: paths}
	for i, path := range paths {
		if !slices.Contains(n.earlierFiles(), path) {
			if err := checkFree(path, false); err != nil {
				return err
			}
		}
		entry.Sizes = append(entry.Sizes, files[i].Size)
	}
	return n.record(ctx, entry)
}

// end records that the work is finished.
func (n *journaled) end(ctx context.Context, files []string) error {
	if n == nil {
		return nil
	}
	return n.record(ctx, journalEntry{Files: files, Done: true})
}

// forget records that the work is as if it had never been begun.
func (n *journaled) forget(ctx context.Context) error { return n.record(ctx, journalEntry{}) }

func (n *journaled) record(ctx context.Context, entry journalEntry) error {
	entry.Key, entry.Work = n.id.key, n.id.hash
	return n.journal.record(ctx, entry)
}
