package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/cloudconvert/cloudconvert-go"
)

// retention is how long status lists failures.
const retention = 7 * 24 * time.Hour

// work converts the files of the queue until the context ends.
func work(parent context.Context, client *cloudconvert.Client, s settings, stdout, stderr io.Writer) error {
	db, err := open(parent, s, false)
	if err != nil {
		return err
	}
	defer db.close() //nolint:errcheck // everything is committed by then.
	if err := checkWritable(parent, db); err != nil {
		return fmt.Errorf("%v cannot be written: %w", &s, err)
	}
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	workers := river.NewWorkers()
	river.AddWorker(workers, &converter{
		client: client, db: db, webhook: s.webhook, pace: s.pace, stdout: stdout, stderr: stderr, stop: stop,
	})
	queue, err := river.NewClient(db.driver, &river.Config{
		Logger:  slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: s.concurrency}},
		Workers: workers,
		// A process that is killed keeps its jobs until they are rescued. River's
		// default is an hour.
		JobTimeout:                  s.pace.attempt,
		RescueStuckJobsAfter:        s.pace.rescue,
		SoftStopTimeout:             s.pace.stop,
		CancelledJobRetentionPeriod: retention,
		DiscardedJobRetentionPeriod: retention,
	})
	if err != nil {
		return err
	}
	if err := queue.Start(ctx); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "queue: working on %v as %s\n", &s, queue.ID())
	var wakers sync.WaitGroup
	wakers.Go(func() {
		w := waker{client: client, queue: queue}
		if s.webhook != "" {
			if err := w.serve(ctx, s.webhook, s.listen); err != nil {
				stop(err)
			}
		} else if err := w.listen(ctx, s.events); ctx.Err() == nil {
			fmt.Fprintf(stderr, "queue: there are no events: %v; looking at long conversions every %v\n", err, s.pace.snooze)
		}
	})
	<-queue.Stopped()
	wakers.Wait()
	if parent.Err() == nil {
		return context.Cause(ctx)
	}
	return nil
}

// checkWritable begins a transaction that may write. River would log the same failure
// forever.
func checkWritable(ctx context.Context, db *database) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return tx.Rollback()
}
