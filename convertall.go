package cloudconvert

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// defaultConcurrency is how many items [Client.ConvertAll] works on at a time.
// An item spends most of its time waiting for the service, so that a few keep the
// network busy, and many only reach the number of jobs that an account may run at once.
const defaultConcurrency = 8

// Conversion is an item of [Client.ConvertAll].
type Conversion struct {
	// Source is the file to be converted.
	Source Source
	// Destination is the file to be written, as with [Client.ConvertFile]. If
	// it is empty, [WithOutputDir] and OutputFormat make it up. Without
	// these nothing is fetched: the files stay in the job.
	Destination string
	// OutputFormat is the format to convert to. By default it is the extension of Destination.
	OutputFormat string
	// Key tells items apart in the journal, see [WithJournal]. By default it
	// is made of the source's path, name or URL, the destination and the format.
	Key string
	// Options apply to this item, after those of the whole batch.
	Options []ConvertOption
}

// Result is what became of an item of [Client.ConvertAll].
type Result struct {
	Conversion Conversion
	// Job is the job of the conversion. It is nil if none was created, or if
	// the journal says that the item was finished before.
	Job *Job
	// Files are the files written, or found to be written before.
	Files []string
	// Err is why the item failed: everything that [Client.ConvertFile] may return.
	Err error
}

// ConvertAll converts many sources, several at a time, and yields the result of
// each as it ends, in no particular order. A failure concerns its item only.
//
// Items are taken from the iterator as there is room for them, so that their
// number does not matter. Limits of the service, for requests as well as for
// jobs at once, are waited for. Leaving the loop ends everything that runs. When the context ends, each item
// that was begun still has its result.
//
// The options apply to all items. [WithConcurrency], [WithOutputDir] and
// [WithJournal] are made for it.
func (c *Client) ConvertAll(ctx context.Context, items iter.Seq[Conversion], opts ...ConvertOption) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		b, err := c.newBatch(opts)
		if err != nil {
			yield(Result{Err: err})
			return
		}
		b.run(ctx, items, yield)
		if err := b.journal.close(); err != nil {
			yield(Result{Err: fmt.Errorf("cloudconvert: journal: %w", err)})
		}
	}
}

// batch is a run of ConvertAll.
type batch struct {
	client  *Client
	options []ConvertOption
	slots   chan struct{} // one for each item that may run
	journal *journal      // nil if none is kept
	results chan Result
	quit    chan struct{} // closed when nobody takes results any more

	mu          sync.Mutex
	claimed     map[string]bool // destinations and keys of what runs
	stopped     bool            // nothing may be started any more
	conversions sync.WaitGroup
}

func (c *Client) newBatch(opts []ConvertOption) (*batch, error) {
	settings := &conversion{client: c, inlineLimit: defaultInline, concurrency: defaultConcurrency}
	if err := settings.apply(opts); err != nil {
		return nil, err
	}
	b := &batch{
		client:  c,
		options: opts,
		slots:   make(chan struct{}, settings.concurrency),
		results: make(chan Result),
		quit:    make(chan struct{}),
		claimed: map[string]bool{},
	}
	if settings.journal == "" {
		return b, nil
	}
	journal, err := openJournal(settings.journal)
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: journal: %w", err)
	}
	b.journal = journal
	return b, nil
}

// run yields results until all items have ended or the consumer has enough.
// Nothing that it started goes on after it.
func (b *batch) run(ctx context.Context, items iter.Seq[Conversion], yield func(Result) bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go b.feed(ctx, items)
	for result := range b.results {
		if !yield(result) {
			cancel()
			b.stop()
			return
		}
	}
}

// feed starts items while there is room. It ends with the items or, if the
// context ends, when the iterator gives the next one.
func (b *batch) feed(ctx context.Context, items iter.Seq[Conversion]) {
	defer close(b.results)
	for item := range items {
		select {
		case <-ctx.Done():
		case b.slots <- struct{}{}:
		}
		if ctx.Err() != nil || !b.start(ctx, item) {
			break
		}
	}
	b.conversions.Wait()
}

// start works on an item, unless the batch was stopped.
func (b *batch) start(ctx context.Context, item Conversion) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return false
	}
	b.conversions.Go(func() {
		result := b.convert(ctx, item)
		<-b.slots
		select {
		case b.results <- result:
		case <-b.quit:
		}
	})
	return true
}

// stop waits for what runs. It does not wait for the iterator of the items,
// which may take as long as it likes.
func (b *batch) stop() {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	close(b.quit)
	b.conversions.Wait()
}

// convert works on one item.
func (b *batch) convert(ctx context.Context, item Conversion) Result {
	result := Result{Conversion: item}
	work, err := b.newItem(item)
	if err != nil {
		result.Err = err
		return result
	}
	if err := b.claim(work.key, work.destination); err != nil {
		result.Err = err
		return result
	}
	defer b.release(work.key, work.destination)
	result.Job, result.Files, result.Err = work.run(ctx, b.journal)
	return result
}

// claim reserves a key and a destination, which no two running items may share.
func (b *batch) claim(names ...string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range names {
		if name != "" && b.claimed[name] {
			return invalid(fmt.Errorf("%q belongs to another item of the batch that runs at this moment: give each item a destination and a Key of its own", name))
		}
	}
	for _, name := range names {
		b.claimed[name] = true
	}
	return nil
}

func (b *batch) release(names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range names {
		delete(b.claimed, name)
	}
}

// batchItem is one item at work.
type batchItem struct {
	*conversion

	source      Source
	destination string
	key         string
}

// newItem combines the options of the batch and of an item.
func (b *batch) newItem(item Conversion) (*batchItem, error) {
	format := item.OutputFormat
	if format == "" {
		format = extensionOf(item.Destination)
	}
	conversion, err := b.client.newConversion(format, slices.Concat(b.options, item.Options))
	if err != nil {
		return nil, err
	}
	conversion.queueing = true
	destination := item.Destination
	if destination == "" && conversion.outputDir != "" {
		destination = filepath.Join(conversion.outputDir, item.Source.stem()+"."+conversion.task.OutputFormat)
	}
	key := item.Key
	if key == "" {
		key = strings.Join([]string{item.Source.id, destination, conversion.task.OutputFormat}, "\n")
	}
	return &batchItem{conversion: conversion, source: item.Source, destination: destination, key: key}, nil
}

// run converts the item, unless the journal says that it was done before.
func (i *batchItem) run(ctx context.Context, j *journal) (*Job, []string, error) {
	entry := j.find(i.key)
	if entry.isDone() {
		return nil, entry.Files, nil
	}
	if i.destination != "" {
		if err := i.checkDestination(i.destination); err != nil {
			return nil, nil, err
		}
	}
	job, err := i.job(ctx, j, entry.Tag)
	if err != nil {
		return job, nil, i.finish(ctx, job, err)
	}
	var files []string
	if i.destination != "" {
		if files, err = i.save(ctx, job, i.destination); err != nil {
			// The job stays: the next run fetches what it made.
			return job, nil, err
		}
	}
	return job, files, i.finish(ctx, job, j.end(i.key, files))
}

// job returns the job of the item when it has ended: the one that an earlier
// run has left under a tag, or a new one.
func (i *batchItem) job(ctx context.Context, j *journal, tag string) (*Job, error) {
	if tag != "" {
		i.tag, i.ownTag = tag, true
		job, err := i.client.Jobs.find(ctx, tag)
		if err != nil {
			return nil, err
		}
		if job != nil && job.Status != StatusError {
			return i.adopt(ctx, i.source, job)
		}
	}
	if j != nil && i.tag == "" {
		// Noted before the job is created: whatever happens then, the next
		// run can find it.
		i.tag, i.ownTag = newTag(), true
		if err := j.begin(i.key, i.tag); err != nil {
			return nil, err
		}
	}
	return i.conversion.run(ctx, i.source)
}
