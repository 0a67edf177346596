package cloudconverttest

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sioserver"
)

// EventSocket is the event socket of a [Server]: it tells the clients that have
// joined a channel what happens to jobs and tasks. It listens at
// [Server.EventsURL].
//
// A key joins the channels of jobs and tasks that exist, and those of the
// account of Users.Me, if it has the scope task.read. Everything else is
// refused with 401 or 403.
type EventSocket struct {
	socket *sioserver.Server

	mu     sync.Mutex
	silent bool
	repeat int
}

// EventFaults are what goes wrong at the event socket. The zero value is one
// that does everything right. Connections that cannot even be made are faults
// of [RoleEvents], see [Server.Inject].
type EventFaults struct {
	// Silent lets everybody join and tells nobody what happens. What
	// [EventSocket.Emit] sends is told.
	Silent bool
	// Frozen neither reads nor writes anything, on all connections, without
	// ending them, unless more than 64 MiB pile up for one of them.
	Frozen bool
	// Repeat is how many more times each event is sent.
	Repeat int
	// Refuse does not let new connections in, with this message.
	Refuse string
	// Old speaks the previous generation of the protocol with new connections,
	// which clients of today do not understand.
	Old bool
	// ConnectDelay is how long it takes to let a new connection in, and
	// JoinDelay how long to authorize a join.
	ConnectDelay, JoinDelay time.Duration
	// Join, if it is not nil, decides who joins a channel in place of the keys:
	// it returns 200, the HTTP status of a refusal, or 0, as the service gives
	// if it cannot find out.
	Join func(channel string) (status int)
	// PingInterval and PingTimeout are the heartbeat of new connections: 25 s
	// and 20 s if they are zero.
	PingInterval, PingTimeout time.Duration
}

// EventJoin is a client's request to join a channel, or to leave it.
type EventJoin struct {
	Connection int // the number of the connection, from 1
	Channel    string
	Leave      bool
}

// Events returns the event socket.
func (s *Server) Events() *EventSocket { return s.events }

func newEventSocket(authorize sioserver.Authorize) *EventSocket {
	return &EventSocket{socket: sioserver.New(authorize)}
}

// SetFaults replaces the faults.
func (e *EventSocket) SetFaults(f EventFaults) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.silent, e.repeat = f.Silent, max(f.Repeat, 0)
	faults := sioserver.Faults{
		Frozen: f.Frozen, Refuse: f.Refuse, Old: f.Old, ConnectDelay: f.ConnectDelay, JoinDelay: f.JoinDelay,
		PingInterval: f.PingInterval, PingTimeout: f.PingTimeout,
	}
	if f.Join != nil {
		faults.Join = func(channel, _ string) int { return f.Join(channel) }
	}
	e.socket.Set(faults)
}

// Cut breaks all connections.
func (e *EventSocket) Cut() { e.socket.Cut() }

// Kick ends all connections as the protocol has it. The official clients do not
// come back after that.
func (e *EventSocket) Kick() { e.socket.Kick() }

// Emit sends an event to all who have joined its channel, "private-job." with
// an id for example. It need not be true. The data is usually an object with a job
// or a task.
func (e *EventSocket) Emit(channel, event string, data any) error {
	return e.socket.Emit(channel, event, data)
}

// Send sends a text frame as it is on all connections.
func (e *EventSocket) Send(frame string) { e.socket.Send(frame) }

// Joins returns the requests to join or to leave a channel, the oldest first. Only
// the newest 10,000 are kept.
func (e *EventSocket) Joins() []EventJoin {
	joins := e.socket.Joins()
	out := make([]EventJoin, len(joins))
	for i, j := range joins {
		out[i] = EventJoin{Connection: j.Connection, Channel: j.Channel, Leave: j.Leave}
	}
	return out
}

// Hears reports whether anybody has joined a channel. The service does not tell its
// clients, but a test may want to wait for it.
func (e *EventSocket) Hears(channel string) bool { return e.socket.Hears(channel) }

// Connections is the number of connections that are open now.
func (e *EventSocket) Connections() int { return e.socket.Connections() }

// tell sends an event to all who have joined one of the channels.
func (e *EventSocket) tell(event string, body func() any, channels ...string) error {
	e.mu.Lock()
	silent, times := e.silent, 1+e.repeat
	e.mu.Unlock()
	if silent {
		return nil
	}
	for _, channel := range channels {
		if !e.socket.Hears(channel) {
			continue
		}
		data, err := encode(body())
		if err != nil {
			return err
		}
		for range times {
			if err := e.socket.Emit(channel, event, json.RawMessage(data)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) eventRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s.events.socket)
	return mux
}
