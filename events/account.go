package events

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/recent"
)

// maxEnded is how many ends of jobs are remembered for those who watch later.
const maxEnded = 4096

// maxID is more than the length of any id: the service's have 36 bytes.
const maxID = 128

// Account is a [cloudconvert.AccountSignal]: a signal for all jobs of an
// account, which takes one subscription. It is made by [Client.Account] and
// must be closed. It is safe for concurrent use.
type Account struct {
	client *Client
	member *member

	mu    sync.Mutex
	bells map[string][]*bell
	ended *recent.Set[string] // jobs whose creation may still be under way
	again *time.Timer
	since time.Time
	over  error
}

// Account joins the channel of all jobs of the account. It asks the API for the
// account, for which the key needs the scope user.read. Everything else is as with
// [Client.Subscribe].
//
// A job that is created afterwards is watched from its beginning, since nothing has
// to be joined for it.
func (c *Client) Account(ctx context.Context) (*Account, error) {
	user, err := c.api.Users.Me(ctx)
	if err != nil {
		return nil, err
	}
	a := &Account{client: c, bells: map[string][]*bell{}, ended: recent.NewSet[string](maxEnded)}
	if a.member, err = c.enter(UserJobs(user.ID), a); err != nil { //nolint:contextcheck // the line outlives the call
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

// Err returns why no more events are to be expected: [ErrClosed], a
// [*SubscriptionError], or the reason why there can be no line. It is nil as long
// as there may be more.
func (a *Account) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.over
}

// Close ends the subscription, and closes the channels that WatchJob has returned.
// A second Close does nothing.
func (a *Account) Close() {
	a.client.leave(a.member)
	a.end(ErrClosed)
}

// Since is the moment since which no end of a job was missed: by then the service
// was heard on the channel, or had enough time to let this program in. It is the
// zero time while there is no line, or the service does not let it in. See
// [cloudconvert.AccountSignal].
func (a *Account) Since() time.Time {
	if !a.client.hears(a.member) {
		return time.Time{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over != nil {
		return time.Time{}
	}
	return a.since
}

// WatchJob returns a channel that has a value when it is time to look at the job,
// and is closed when no more are to be expected. It returns at once. stop, or the
// end of the context, ends the watch.
func (a *Account) WatchJob(ctx context.Context, jobID string) (wake <-chan struct{}, stop func()) {
	b := newBell()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over != nil {
		b.end(a.over)
		return b.wake, func() {}
	}
	if a.ended.Has(jobID) {
		b.ring()
	}
	a.bells[jobID] = append(a.bells[jobID], b)
	remove := func() { a.remove(jobID, b) }
	unhook := context.AfterFunc(ctx, remove)
	return b.wake, func() {
		unhook()
		remove()
	}
}

func (a *Account) remove(id string, b *bell) {
	b.silence()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bells[id] = slices.DeleteFunc(a.bells[id], func(other *bell) bool { return other == b })
	if len(a.bells[id]) == 0 {
		delete(a.bells, id)
	}
}

// put rings for the job that an event is about, or for all if some events may be missing.
func (a *Account) put(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.over != nil:
	case e.Name == Resync:
		a.since = time.Time{}
		a.ringAll()
		a.settle()
		return
	case e.Name.Ended():
		id := jobOf(e)
		a.ended.Add(id)
		for _, b := range a.bells[id] {
			b.ring()
		}
	}
	if a.since.IsZero() {
		a.since = time.Now() // whoever is told something has joined
	}
}

// jobOf reads the id of the job, and no more of it.
func jobOf(e Event) string {
	var data struct {
		Job struct {
			ID string `json:"id"`
		} `json:"job"`
	}
	_ = json.Unmarshal(e.Data, &data) // what cannot be read is nobody's job
	if len(data.Job.ID) > maxID {
		return ""
	}
	return data.Job.ID
}

func (a *Account) ringAll() {
	for _, bells := range a.bells {
		for _, b := range bells {
			b.ring()
		}
	}
}

// settle rings once more when the join has had its effect.
func (a *Account) settle() {
	if a.again != nil {
		a.again.Stop()
	}
	var timer *time.Timer
	timer = time.AfterFunc(settling, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.again != timer {
			return // there was another gap
		}
		a.ringAll()
		if a.since.IsZero() {
			a.since = time.Now()
		}
	})
	a.again = timer
}

// end closes the channels of all who watch.
func (a *Account) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over != nil {
		return
	}
	a.over = err
	if a.again != nil {
		a.again.Stop()
	}
	for _, bells := range a.bells {
		for _, b := range bells {
			b.end(err)
		}
	}
	clear(a.bells)
}
