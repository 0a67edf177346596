package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
)

// defaultConcurrency is how many items [Client.ConvertAll] works on at a time. An
// item spends most of its time waiting for the service, so that a few keep the
// network busy, and many only reach the number of jobs that an account may run at
// once.
const defaultConcurrency = 8

// Conversion is an item of [Client.ConvertAll].
type Conversion struct {
	// Source is the file to be converted.
	Source Source
	// Destination is the file to be written, as with [Client.ConvertFile]. If it
	// is empty, it follows from [WithOutputDir], the source and OutputFormat.
	// Without either nothing is fetched: the files stay in the job.
	Destination string
	// OutputFormat is the format to convert to. By default it is the extension of
	// Destination.
	OutputFormat string
	// Key tells items apart in the journal, see [WithJournal]. By default it is
	// made of the source's path, name or URL, and of the destination and the
	// format.
	Key string
	// Options apply to this item, after those of the whole batch, and take
	// precedence over them.
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
// number does not matter. The iterator runs in a goroutine of its own, and may
// wait for items to come. When a limit of the service is reached, be it for
// requests or for jobs at once, ConvertAll waits.
//
// Leaving the loop ends everything that runs. When the context ends, each item
// that was begun still has its result, and the others have none. Either way it is
// over within a second, for all items together, and no job is left waiting for an
// upload unless its result says so.
//
// The options apply to all items. [WithConcurrency], [WithOutputDir] and
// [WithJournal] are made for it. If the options are wrong or the journal cannot be
// used, the only result has the error and an empty Conversion. So has a last
// result if the journal cannot be closed.
func (c *Client) ConvertAll(ctx context.Context, items iter.Seq[Conversion], opts ...ConvertOption) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		b, err := c.newBatch(items, opts)
		if err != nil {
			yield(Result{Err: err})
			return
		}
		b.run(ctx, yield)
	}
}

// batch is a run of ConvertAll.
type batch struct {
	items    iter.Seq[Conversion]
	settings *conversion   // what the items have in common
	slots    chan struct{} // one for each item that may run
	journal  *journal      // nil if none is kept
	results  chan Result   // closed when the last item has ended

	mu          sync.Mutex
	claimed     map[string]bool // names of destinations and keys of what runs
	stopped     bool            // nothing may be started any more
	panicked    any             // what the iterator panicked with
	conversions sync.WaitGroup
}

func (c *Client) newBatch(items iter.Seq[Conversion], opts []ConvertOption) (*batch, error) {
	if items == nil {
		return nil, invalid(errors.New("the items are nil"))
	}
	settings, err := c.newConversion().with(opts)
	if err != nil {
		return nil, err
	}
	settings.queueing = true
	settings.concurrency = or(settings.concurrency, defaultConcurrency)
	b := &batch{
		items:    items,
		settings: settings,
		slots:    make(chan struct{}, settings.concurrency),
		results:  make(chan Result, settings.concurrency),
		claimed:  map[string]bool{},
	}
	if settings.journal != "" {
		if b.journal, err = openJournal(settings.journal); err != nil {
			return nil, fmt.Errorf("cloudconvert: journal: %w", err)
		}
	}
	return b, nil
}

// run yields results until all items have ended or the consumer has enough.
// Nothing that it started goes on after it.
func (b *batch) run(ctx context.Context, yield func(Result) bool) {
	ctx, cancel := context.WithCancel(ctx)
	ctx, release := withLasting(ctx)
	go b.work(ctx)
	defer func() {
		cancel()
		for range b.results {
		}
		release()
	}()
	for result := range b.results {
		if !yield(result) {
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.panicked != nil {
		panic(b.panicked) //nolint:forbidigo // it is the caller's own, who may want to recover.
	}
}

// work starts items until there are no more or the context ends, and waits for
// those that run. It does not wait for the iterator, which may take as long as
// it likes and ends with the item it gives next.
func (b *batch) work(ctx context.Context) {
	defer close(b.results)
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		defer func() { b.keep(recover()) }()
		b.feed(ctx)
	}()
	select {
	case <-fed:
	case <-ctx.Done():
	}
	b.stop()
	b.conversions.Wait()
	if err := b.journal.close(ctx); err != nil {
		b.results <- Result{Err: err}
	}
}

// keep keeps a panic of the iterator for the goroutine of the caller.
func (b *batch) keep(panicked any) {
	if panicked == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.panicked = fmt.Sprintf("%v\n\n%s", panicked, debug.Stack())
}

// feed starts items as there is room for them.
func (b *batch) feed(ctx context.Context) {
	for item := range b.items {
		select {
		case <-ctx.Done():
			return
		case b.slots <- struct{}{}:
		}
		if !b.start(ctx, item) {
			return
		}
	}
}

// start works on an item, unless the batch was stopped. The slot of the item is
// free when its result was delivered: who takes results slowly gets them slowly.
func (b *batch) start(ctx context.Context, item Conversion) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped || ctx.Err() != nil {
		return false
	}
	b.conversions.Go(func() {
		b.results <- b.isolated(ctx, item)
		<-b.slots
	})
	return true
}

// isolated works on an item in a goroutine that functions of the caller's may end.
// Of a panic in it the process dies at once, whether anybody takes results or not.
func (b *batch) isolated(ctx context.Context, item Conversion) Result {
	result := Result{Conversion: item, Err: errGoroutineEnded}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		result = b.convert(ctx, item)
	}()
	<-ended
	return result
}

func (b *batch) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
}

// convert works on one item.
func (b *batch) convert(ctx context.Context, item Conversion) Result {
	result := Result{Conversion: item}
	work, err := b.newItem(item)
	if err != nil {
		result.Err = err
		return result
	}
	claims := work.claims()
	if err := b.claim(claims); err != nil {
		result.Err = err
		return result
	}
	defer b.release(claims)
	result.Job, result.Files, result.Err = work.run(ctx)
	return result
}

// claim reserves what no two running items may share.
func (b *batch) claim(claims []claim) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, claim := range claims {
		if b.claimed[claim.name] {
			return invalid(fmt.Errorf("another item of the batch, which runs at this moment, has the same %s: give each one of its own", claim.shown))
		}
	}
	for _, claim := range claims {
		b.claimed[claim.name] = true
	}
	return nil
}

func (b *batch) release(claims []claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, claim := range claims {
		delete(b.claimed, claim.name)
	}
}
