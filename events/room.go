package events

import (
	"slices"
	"time"
)

// listener is told what happens in a channel. It must not make anybody wait.
type listener interface {
	put(e Event)
	end(err error)
}

// room is a channel that somebody listens to. The lock of the client guards it.
type room struct {
	channel  string
	number   int // the order in which rooms are joined
	members  []*member
	state    state
	known    bool      // it was joined before
	cause    error     // why it has to be joined again, or why it is not joined yet
	due      time.Time // before which it is not tried
	since    time.Time // of the last join
	failures int       // of joins, in a row
	used     secret    // the token of the last join
	refused  secret    // the token that was refused
}

// state is how far a join has got.
type state int

const (
	absent  state = iota // nobody has asked to join, or the service has refused it
	joining              // it is being asked
	joined               // it was asked
)

// A secret does not print itself: it is a function because fmt prints the unexported fields of structs without asking them.
type secret func() string

func newSecret(value string) secret { return func() string { return value } }

// value is empty for no secret.
func (s secret) value() string {
	if s == nil {
		return ""
	}
	return s()
}

// member is somebody who listens.
type member struct {
	listener

	room    *room
	settled chan struct{} // closed when the wish to join was sent, or when there is nothing to wait for any more
}

func (m *member) settle() {
	select {
	case <-m.settled:
	default:
		close(m.settled)
	}
}

// enter adds a member. If the room is joined already, it begins with the same gap as everybody.
func (r *room) enter(to listener) *member {
	m := &member{listener: to, room: r, settled: make(chan struct{})}
	r.members = append(r.members, m)
	if r.state != absent {
		m.put(Event{Name: Resync, Channel: r.channel})
	}
	if r.state == joined {
		m.settle()
	}
	return m
}

// leave removes a member. It reports false if it was none.
func (r *room) leave(m *member) bool {
	i := slices.Index(r.members, m)
	if i < 0 {
		return false
	}
	r.members = slices.Delete(r.members, i, i+1)
	m.settle()
	return true
}

// announce tells everybody that the room is about to be joined, and why it has to be if it was before.
func (r *room) announce(token string) {
	resync := Event{Name: Resync, Channel: r.channel}
	if r.known {
		resync.Err = r.cause
	}
	r.state, r.known, r.used = joining, true, newSecret(token)
	r.tell(resync)
}

// arrive lets those go on who wait for the join.
func (r *room) arrive() {
	if r.state != joining {
		return
	}
	r.state, r.since = joined, time.Now()
	for _, m := range r.members {
		m.settle()
	}
}

// prove notes that the service lets this program in. An event that comes before the join can have settled proves nothing.
func (r *room) prove() {
	if r.state == joined && time.Since(r.since) >= settling {
		r.failures, r.refused = 0, nil
	}
}

func (r *room) tell(e Event) {
	for _, m := range r.members {
		m.put(e)
	}
}

// dismiss sends everybody home.
func (r *room) dismiss(err error) {
	for _, m := range r.members {
		m.end(err)
		m.settle()
	}
	r.members = nil
}

// reset makes the room one that has to be joined on a new connection.
func (r *room) reset(cause error) {
	r.state, r.cause, r.due, r.refused = absent, cause, time.Time{}, nil
}

// postpone makes the room one that has to be joined again after a while.
func (r *room) postpone(cause error, wait time.Duration) {
	r.state, r.cause, r.due = absent, cause, time.Now().Add(wait)
	r.failures++
}
