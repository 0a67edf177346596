package events

import (
	"slices"
	"time"
)

// receiver gets the events of a channel. Its methods must not block.
type receiver interface {
	put(e Event)
	end(err error)
}

// channelState is what a client knows of a channel. Client.mu guards it.
type channelState struct {
	name     string
	number   int // the order in which channels are joined
	members  []*member
	join     joinState
	known    bool      // it was joined before
	cause    error     // why it must be joined, or why it is not joined yet
	due      time.Time // of the next join
	since    time.Time // of the last join
	failures int       // of joins in a row
	used     secret    // the token of the last join
	refused  secret    // the token that was refused
}

type joinState int

const (
	notJoined joinState = iota
	joining             // a join request is being sent
	joined              // it was sent, and the service may have granted it
)

// member is a receiver in a channel.
type member struct {
	receiver

	channel *channelState
	settled chan struct{} // closed when the join request was sent, or when the member has left
}

func (m *member) settle() {
	select {
	case <-m.settled:
	default:
		close(m.settled)
	}
}

// enter adds a member. Its first event is a Resync, also if the channel is joined
// already.
func (ch *channelState) enter(to receiver) *member {
	m := &member{receiver: to, channel: ch, settled: make(chan struct{})}
	ch.members = append(ch.members, m)
	if ch.join != notJoined {
		m.put(Event{Name: Resync, Channel: ch.name})
	}
	if ch.join == joined {
		m.settle()
	}
	return m
}

// leave removes a member. It returns false if the member had left before.
func (ch *channelState) leave(m *member) bool {
	i := slices.Index(ch.members, m)
	if i < 0 {
		return false
	}
	ch.members = slices.Delete(ch.members, i, i+1)
	m.settle()
	return true
}

// beginJoin sends a Resync to all members before the join request is sent.
func (ch *channelState) beginJoin(token string) {
	resync := Event{Name: Resync, Channel: ch.name}
	if ch.known {
		resync.Err = ch.cause
	}
	ch.join, ch.known, ch.used = joining, true, newSecret(token)
	ch.put(resync)
}

// endJoin records that the join request was sent.
func (ch *channelState) endJoin() {
	if ch.join != joining {
		return
	}
	ch.join, ch.since = joined, time.Now()
	for _, m := range ch.members {
		m.settle()
	}
}

// confirm records that an event has come, which proves that the service granted the join.
// An event that comes too soon may be one of an earlier join.
func (ch *channelState) confirm() {
	if ch.join == joined && time.Since(ch.since) >= joinDelay {
		ch.failures, ch.refused = 0, nil
	}
}

func (ch *channelState) put(e Event) {
	for _, m := range ch.members {
		m.put(e)
	}
}

// end ends all members.
func (ch *channelState) end(err error) {
	for _, m := range ch.members {
		m.end(err)
		m.settle()
	}
	ch.members = nil
}

// rejoin makes the channel be joined on a new connection.
func (ch *channelState) rejoin(cause error) {
	ch.join, ch.cause, ch.due, ch.refused = notJoined, cause, time.Time{}, nil
}

// retry makes the channel be joined after a pause.
func (ch *channelState) retry(cause error, pause time.Duration) {
	ch.join, ch.cause, ch.due = notJoined, cause, time.Now().Add(pause)
	ch.failures++
}
