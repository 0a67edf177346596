package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// batchItem is one item of a batch at work.
type batchItem struct {
	*conversion

	journal     *journal // nil if none is kept
	source      Source
	destination string // empty if nothing is fetched
	key         string
	noted       bool // the journal has the tag of the job
}

// newItem combines the options of the batch and of an item.
func (b *batch) newItem(item Conversion) (*batchItem, error) {
	conversion, err := b.settings.with(item.Options)
	if err != nil {
		return nil, err
	}
	i := &batchItem{conversion: conversion, journal: b.journal, source: item.Source, destination: item.Destination, key: item.Key}
	if err := i.setFormat(item.OutputFormat); err != nil {
		return nil, err
	}
	if i.destination == "" && i.outputDir != "" {
		if i.destination, err = i.inOutputDir(i.source); err != nil {
			return nil, err
		}
	}
	if !utf8.ValidString(i.key) {
		return nil, invalid(fmt.Errorf("the Key %q is not UTF-8 text: use another one", i.key))
	}
	if i.key == "" {
		i.key = i.defaultKey()
	}
	return i, i.check(b.settings)
}

func (i *batchItem) defaultKey() string {
	return strings.Join([]string{i.source.id.value(), i.destination, i.task.OutputFormat}, "\n")
}

// setFormat sets the output format, which may be left to the destination.
func (i *batchItem) setFormat(format string) error {
	if format == "" && i.destination != "" {
		return i.formatFrom(i.destination)
	}
	return i.convertTo(format)
}

// check refuses combinations of options that would not do what they say.
func (i *batchItem) check(settings *conversion) error {
	switch {
	case i.delete && i.destination == "":
		return invalid(errors.New("WithDelete: the item has no destination, and its files would be lost: give it one, or use WithOutputDir"))
	case i.concurrency != settings.concurrency, i.conversion.journal != settings.journal:
		return invalid(errors.New("WithConcurrency and WithJournal are for the batch: they are of no use as options of an item"))
	case i.journal != nil && !utf8.ValidString(i.destination):
		return invalid(fmt.Errorf("the journal cannot hold the destination %q, which is not UTF-8 text: use another name", i.destination))
	case i.journal != nil && !utf8.ValidString(i.key):
		return invalid(fmt.Errorf("the journal cannot hold the key %q, which is not UTF-8 text: set Key", i.key))
	case i.journal != nil && i.tag != "":
		return invalid(errors.New("WithTag: the journal finds jobs by tags of its own: leave one of the two out"))
	}
	return nil
}

// claim is something that an item must not share with another one while it runs.
type claim struct {
	name  string
	shown string // the name as errors quote it
}

// claims returns what the item claims.
func (i *batchItem) claims() []claim {
	var claims []claim
	if i.destination != "" {
		path := i.destination
		if absolute, err := filepath.Abs(path); err == nil {
			path = absolute
		}
		claims = append(claims, claim{"destination " + path, fmt.Sprintf("destination %q", engine.HideQueries(path))})
	}
	if i.journal != nil {
		claims = append(claims, claim{"key " + i.key, i.shownKey()})
	}
	return claims
}

// shownKey is the key as errors quote it. It may be made of the URL of a source.
func (i *batchItem) shownKey() string {
	if i.key == i.defaultKey() {
		return fmt.Sprintf("key, which is made of the %s, its destination %q and the format %q", i.source, i.destination, i.task.OutputFormat)
	}
	return fmt.Sprintf("key %q", engine.HideQueries(i.key))
}

// run converts the item, unless the journal says that it was done before.
func (i *batchItem) run(ctx context.Context) (*Job, []string, error) {
	earlier := i.journal.find(i.key)
	if earlier.isDone() && (i.destination == "" || len(earlier.Files) > 0) {
		return nil, earlier.Files, nil
	}
	if earlier.saving() {
		// What an earlier run began to write is not in the way of what it meant.
		i.own = earlier.ownFiles()
	}
	if err := i.checkAllFree(i.again(earlier.Files)); err != nil {
		return nil, nil, err // some are there and some are gone
	}
	if i.destination != "" {
		if err := i.checkDestination(i.destination); err != nil {
			return nil, nil, err
		}
	}
	job, err := i.job(ctx, earlier)
	if err != nil {
		return job, nil, errors.Join(err, i.fail(ctx, job, err))
	}
	files, err := i.write(ctx, job)
	if err == nil {
		err = i.finish(ctx, files)
	}
	if err == nil { // else the job stays: the next run finds it
		err = i.discard(ctx, job, nil)
	}
	return job, files, afterwards(job, err)
}

// again returns which of several files that an earlier run has written would be
// written again, to the same places.
func (i *batchItem) again(files []string) []string {
	var paths []string
	for n, file := range files {
		if file == numbered(i.destination, n+1) {
			paths = append(paths, file)
		}
	}
	return paths
}

// job returns the job of the item when it has ended: the one that an earlier
// run has left, or a new one.
func (i *batchItem) job(ctx context.Context, earlier journalEntry) (*Job, error) {
	if i.journal == nil {
		return i.conversion.run(ctx, i.source)
	}
	job, err := i.find(ctx, earlier)
	switch {
	case err != nil:
		return nil, err
	case job != nil:
		i.tag, i.noted = earlier.Tag, true
		return i.adopt(ctx, i.source, job)
	}
	i.tag, i.ownTag = newTag(), true
	i.note = i.noteCreation
	return i.conversion.run(ctx, i.source)
}

// noteCreation notes that the job is about to be created, so that the next run can
// find it whatever happens, and goes on noting it until it is told to stop.
func (i *batchItem) noteCreation(ctx context.Context) (stop func(), err error) {
	if err := i.journal.begin(ctx, i.key, i.tag); err != nil {
		return nil, err
	}
	i.noted = true
	return i.journal.follow(ctx, i.key, i.tag), nil
}

// find looks for the job that an earlier run has left, or returns nil. That run may
// have ended a moment ago, with its request on the way. A job that failed is of no
// use: the item is tried again.
func (i *batchItem) find(ctx context.Context, earlier journalEntry) (*Job, error) {
	if earlier.Tag == "" {
		return nil, nil //nolint:nilnil // no job is no failure.
	}
	patience := earlier.patience()
	for gap := lookupPause; ; gap *= 2 {
		job, err := i.client.Jobs.find(ctx, earlier.Tag)
		switch {
		case err != nil:
			return nil, err
		case job != nil && job.Status == StatusError:
			return nil, nil //nolint:nilnil // as above.
		case job != nil || patience <= 0:
			return job, nil
		}
		gap = min(gap, patience)
		if err := pause(ctx, gap); err != nil {
			return nil, fmt.Errorf("cloudconvert: looking for the job of an earlier run by its tag %q: %w", earlier.Tag, err)
		}
		patience -= gap
	}
}

// fail does what is left to do for an item without a finished job. If there is
// a job that may still finish, the next run goes on with it.
func (i *batchItem) fail(ctx context.Context, job *Job, failure error) error {
	if i.journal == nil {
		return i.discard(ctx, job, failure)
	}
	lost := errors.Is(failure, ErrOutcomeUnknown)
	running := job != nil && !job.Status.Terminal() && !i.gone
	if lost || running || !i.noted {
		return nil
	}
	return errors.Join(i.journal.forget(ctx, i.key), i.discard(ctx, job, failure))
}

// write fetches the files of the job, if they have a destination.
func (i *batchItem) write(ctx context.Context, job *Job) ([]string, error) {
	if i.destination == "" {
		return nil, nil
	}
	// A file that is there when the run ended in the middle is known as its own
	// by this note. That needs it not to have been there before.
	if i.journal != nil && !i.overwrite {
		if err := i.announce(ctx, job.Files()); err != nil {
			return nil, err
		}
	}
	files, err := i.save(ctx, job, i.destination)
	if err != nil {
		// The job stays: the next run fetches what it made.
		return nil, errors.Join(err, i.journal.begin(ctx, i.key, i.tag))
	}
	return files, nil
}

// finish notes that the item is done. Files that were left in the job may be
// fetched by a later run with a destination.
func (i *batchItem) finish(ctx context.Context, files []string) error {
	if len(files) == 0 {
		return i.journal.end(ctx, i.key, i.tag, nil)
	}
	return i.journal.end(ctx, i.key, "", files)
}

// announce notes which files are about to appear, all of which are new or were begun
// by an earlier run.
func (i *batchItem) announce(ctx context.Context, files []File) error {
	paths := i.outputPaths(files, i.destination)
	if err := i.checkAllFree(paths); err != nil {
		return err
	}
	return i.journal.save(ctx, i.key, i.tag, paths, files)
}
