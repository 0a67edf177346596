package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
)

// waker makes snoozed jobs available when their conversion has ended. Every process does
// that for all of them, since the one that began a conversion may be gone. A job that no
// event wakes continues at the end of its snooze.
type waker struct {
	client *cloudconvert.Client
	queue  *river.Client[*sql.Tx]
}

// wake wakes the queued job that has a key. It ignores the tags of other programs and
// other queues, and jobs that are not snoozed.
func (w *waker) wake(ctx context.Context, tag string) error {
	id, isKey := idOf(tag)
	if !isKey {
		return nil
	}
	job, err := w.queue.JobGet(ctx, id)
	switch {
	case errors.Is(err, rivertype.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	var args conversion
	if err := json.Unmarshal(job.EncodedArgs, &args); err != nil {
		return err
	}
	if job.State != rivertype.JobStateScheduled || key(args.Batch, id) != tag {
		return nil
	}
	// If another process has woken and finished the job since then, it is done once
	// more, which finds the result in place.
	_, err = w.queue.JobRetry(ctx, id)
	return err
}

// idOf returns the id in a key.
func idOf(tag string) (id int64, ok bool) {
	batchAndID, ok := strings.CutPrefix(tag, keyPrefix)
	_, number, _ := strings.Cut(batchAndID, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	return id, ok && err == nil
}

// listen receives the events of the account until the context ends. rawURL is empty for
// the event socket of the service.
func (w *waker) listen(ctx context.Context, rawURL string) error {
	var options []events.Option
	if rawURL != "" {
		options = append(options, events.WithURL(rawURL))
	}
	listener, err := events.New(w.client, options...)
	if err != nil {
		return err
	}
	defer listener.Close()
	user, err := w.client.Users.Me(ctx)
	if err != nil {
		return err
	}
	jobs, err := listener.Subscribe(ctx, events.UserJobs(user.ID))
	if err != nil {
		return err
	}
	defer jobs.Close()
	for event, err := range jobs.Events(ctx) {
		if err != nil {
			return err
		}
		job, err := event.Job()
		if err != nil || !event.Name.Ended() {
			continue
		}
		if err := w.wake(ctx, job.Tag); err != nil {
			return err
		}
	}
	return events.ErrClosed
}

// serve receives webhooks until the context ends. Anyone who knows the URL may send them:
// the handler reads the job, and wake accepts only keys of this queue.
func (w *waker) serve(ctx context.Context, webhook, addr string) error {
	hook, err := url.Parse(webhook)
	if err != nil {
		return err
	}
	handler, err := w.client.Webhooks.UnsignedHandler(func(ctx context.Context, event *cloudconvert.WebhookEvent) error {
		return w.wake(ctx, event.Job.Tag)
	})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(hook.Path, handler)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("webhooks: %w", err)
	}
	return nil
}
