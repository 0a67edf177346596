package cloudconverttest

import (
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/socket"
	"github.com/cloudconvert/cloudconvert-go/internal/sioserver"
)

// EventSocket is the event socket of a [Server], at [Server.EventsURL]. It sends events
// of jobs and tasks to clients that have joined a channel.
//
// A key with the scope task.read may join the channels of existing jobs and tasks, and
// those of the account of Users.Me. Everything else is refused with 401 or 403.
type EventSocket struct{ socket *socket.Socket }

// EventFaults are faults of the event socket. The zero value has none. Faults of the
// upgrade request are those of [RoleEvents], see [Server.Inject].
type EventFaults struct {
	// Silent sends no events but those of [EventSocket.Emit].
	Silent bool
	// Frozen stops reading and writing on all connections. A connection ends when
	// more than 64 MiB wait to be written.
	Frozen bool
	// Repeat is how many additional times each event is sent.
	Repeat int
	// Refuse refuses new connections with this message.
	Refuse string
	// ConnectDelay delays the connection of the namespace, and JoinDelay the
	// authorization of a join.
	ConnectDelay, JoinDelay time.Duration
	// Join, if it is not nil, authorizes joins in place of the keys. It returns 200,
	// the HTTP status of a refusal, or 0 for a failure of the service.
	Join func(channel string) (status int)
	// PingInterval and PingTimeout are the heartbeat of new connections. The
	// defaults are 25 s and 20 s.
	PingInterval, PingTimeout time.Duration
}

// EventJoin is a request of a client to join or to leave a channel.
type EventJoin struct {
	Connection int // the number of the connection, from 1
	Channel    string
	Leave      bool
}

// Events returns the event socket.
func (s *Server) Events() *EventSocket { return s.events }

// SetFaults replaces the faults.
func (e *EventSocket) SetFaults(f EventFaults) {
	faults := sioserver.Faults{
		Frozen: f.Frozen, Refuse: f.Refuse, ConnectDelay: f.ConnectDelay, JoinDelay: f.JoinDelay,
		PingInterval: f.PingInterval, PingTimeout: f.PingTimeout,
	}
	if f.Join != nil {
		faults.Join = func(channel, _ string) int { return f.Join(channel) }
	}
	e.socket.SetFaults(faults, f.Silent, f.Repeat)
}

// Cut breaks all connections.
func (e *EventSocket) Cut() { e.socket.Cut() }

// Kick disconnects all clients by the protocol. The official clients do not reconnect
// after that.
func (e *EventSocket) Kick() { e.socket.Kick() }

// Emit sends an event to all clients in a channel, such as "private-job." with an id. The
// data is usually an object with a job or a task, which may differ from that of the
// server.
func (e *EventSocket) Emit(channel, event string, data any) error {
	return e.socket.Emit(channel, event, data)
}

// Joins returns the requests to join or to leave a channel, the oldest first. Only the
// newest 10,000 are kept, and only up to 16 MiB.
func (e *EventSocket) Joins() []EventJoin {
	joins := e.socket.Joins()
	out := make([]EventJoin, len(joins))
	for i, j := range joins {
		out[i] = EventJoin{Connection: j.Connection, Channel: j.Channel, Leave: j.Leave}
	}
	return out
}

// Hears reports whether any client has joined a channel. The service does not acknowledge
// joins, so a test may have to wait for it.
func (e *EventSocket) Hears(channel string) bool { return e.socket.Hears(channel) }

// Connections returns the number of open connections.
func (e *EventSocket) Connections() int { return e.socket.Connections() }

func (s *Server) eventRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s.events.socket)
	return mux
}
