package events

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/recent"
)

// maxEnded bounds the ended jobs that are remembered for a later WatchJob.
const maxEnded = 4096

// maxID exceeds the length of any id: those of the service have 36 bytes.
const maxID = 128

// Account is a [cloudconvert.AccountSignal]: a signal for all jobs of an
// account, which takes one subscription. It is made by [Client.Account] and
// must be closed. It is safe for concurrent use.
type Account struct {
	client *Client
	member *member

	mu      sync.Mutex
	wakeUps map[string][]*wakeUp // by job
	ended   *recent.Set[string]  // jobs, whose creation may still be under way
	delayed *time.Timer          // of wakeAllLater
	since   time.Time
	err     error
}

// Account joins the channel of all jobs of the account. It asks the API for the
// account, for which the key needs the scope user.read. Everything else is as with
// [Client.Subscribe].
//
// A job that is created afterwards is watched from its start, since no other channel
// has to be joined for it.
func (c *Client) Account(ctx context.Context) (*Account, error) {
	user, err := c.api.Users.Me(ctx)
	if err != nil {
		return nil, err
	}
	a := &Account{client: c, wakeUps: map[string][]*wakeUp{}, ended: recent.NewSet[string](maxEnded)}
	if a.member, err = c.enter(UserJobs(user.ID), a); err != nil { //nolint:contextcheck // the connection outlives the call
		return nil, err
	}
	if err := c.wait(ctx, a.member); err != nil {
		a.Close()
		return nil, err
	}
	if err := a.Err(); err != nil {
		return nil, err
	}
	return a, nil
}

// Err returns why no more events can come: [ErrClosed], a [*SubscriptionError], or the
// reason why the client cannot connect. It is nil as long as events may come.
func (a *Account) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// Close ends the subscription, and closes the channels that WatchJob has returned.
// A second Close does nothing.
func (a *Account) Close() {
	a.client.leave(a.member)
	a.end(ErrClosed)
}

// Since returns the time since which no end of a job was missed: by then an event had
// come, or the service had had two seconds to authorize the join. It is the zero time
// while there is no connection, or the service refuses the join. See
// [cloudconvert.AccountSignal].
func (a *Account) Since() time.Time {
	if !a.client.mayReceive(a.member) {
		return time.Time{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return time.Time{}
	}
	return a.since
}

// WatchJob returns a channel that has a value when it is time to ask for the job, and
// is closed when no more events can come. It returns at once. stop, or the end of the
// context, ends the watch.
func (a *Account) WatchJob(ctx context.Context, jobID string) (wake <-chan struct{}, stop func()) {
	w := newWakeUp()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		w.end(a.err)
		return w.c, func() {}
	}
	if a.ended.Has(jobID) {
		w.wake()
	}
	a.wakeUps[jobID] = append(a.wakeUps[jobID], w)
	remove := func() { a.remove(jobID, w) }
	detach := context.AfterFunc(ctx, remove)
	return w.c, func() {
		detach()
		remove()
	}
}

func (a *Account) remove(id string, w *wakeUp) {
	w.stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wakeUps[id] = slices.DeleteFunc(a.wakeUps[id], func(other *wakeUp) bool { return other == w })
	if len(a.wakeUps[id]) == 0 {
		delete(a.wakeUps, id)
	}
}

// put wakes up those that watch the job of an event, or all if events may be missing.
func (a *Account) put(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.err != nil:
	case e.Name == Resync:
		a.since = time.Time{}
		a.wakeAll()
		a.wakeAllLater()
		return
	case e.Name.Ended():
		id := jobID(e)
		a.ended.Add(id)
		for _, w := range a.wakeUps[id] {
			w.wake()
		}
	}
	if a.since.IsZero() {
		a.since = time.Now() // the join has taken effect
	}
}

// jobID decodes only the id of an event's job. It returns "" if there is no valid one.
func jobID(e Event) string {
	var data struct {
		Job struct {
			ID string `json:"id"`
		} `json:"job"`
	}
	_ = json.Unmarshal(e.Data, &data) // no job has the id ""
	if len(data.Job.ID) > maxID {
		return ""
	}
	return data.Job.ID
}

func (a *Account) wakeAll() {
	for _, wakeUps := range a.wakeUps {
		for _, w := range wakeUps {
			w.wake()
		}
	}
}

// wakeAllLater wakes all up when the join must have taken effect: events until then may
// be missing.
func (a *Account) wakeAllLater() {
	if a.delayed != nil {
		a.delayed.Stop()
	}
	var timer *time.Timer
	timer = time.AfterFunc(joinDelay, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.delayed != timer {
			return // there was another Resync
		}
		a.wakeAll()
		if a.since.IsZero() {
			a.since = time.Now()
		}
	})
	a.delayed = timer
}

// end closes the channels that WatchJob has returned.
func (a *Account) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return
	}
	a.err = err
	if a.delayed != nil {
		a.delayed.Stop()
	}
	for _, wakeUps := range a.wakeUps {
		for _, w := range wakeUps {
			w.end(err)
		}
	}
	clear(a.wakeUps)
}
