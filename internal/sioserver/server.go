// Package sioserver is the server side of the event socket: what the local sandbox speaks, and what the client is tested
// against. It can be told to do everything that a server should not do.
package sioserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Authorize returns the HTTP status for somebody who wants to join a channel: 200 lets in.
type Authorize func(channel, authorization string) int

// Faults are what goes wrong. The zero value is a server that does everything right.
type Faults struct {
	// PingInterval and PingTimeout are the heartbeat of new connections: 25 s and 20 s if they are zero. Negative ones are
	// announced as they are.
	PingInterval, PingTimeout time.Duration
	// Upgrade refuses new connections with a status.
	Upgrade int
	// Refuse does not let new connections in, with a message.
	Refuse string
	// Old speaks the protocol of the generation before with new connections.
	Old bool
	// ConnectDelay is how long it takes to let a new connection in.
	ConnectDelay time.Duration
	// JoinDelay is how long it takes to authorize a join.
	JoinDelay time.Duration
	// Join, if it is not nil, is asked instead of the authorization of the server.
	Join Authorize
	// Frozen neither reads nor writes, on all connections. One for which too much comes together is cut.
	Frozen bool
}

// pingInterval is the time between two pings.
func (f Faults) pingInterval() time.Duration {
	return max(positive(f.PingInterval, 25*time.Second), time.Millisecond)
}

// pingTimeout is how long a ping may be without an answer.
func (f Faults) pingTimeout() time.Duration {
	return max(positive(f.PingTimeout, 20*time.Second), time.Millisecond)
}

// Join is a wish to hear a channel.
type Join struct {
	Connection    int // the number of the connection, from 1
	Channel       string
	Authorization string
	Leave         bool // it is a wish to leave
}

// Server is an event socket. It is an [http.Handler] and must be closed.
type Server struct {
	authorize Authorize

	mu       sync.Mutex
	faults   Faults
	thawed   chan struct{} // closed while nothing is frozen
	conns    []*conn
	accepted int
	joins    []Join
	agent    string // of the last request
	goodbyes int
	closed   bool
	wg       sync.WaitGroup
}

// maxJoins is how many joins are remembered at least.
const maxJoins = 10_000

// New returns a server that asks authorize about each join.
func New(authorize Authorize) *Server {
	thawed := make(chan struct{})
	close(thawed)
	return &Server{authorize: authorize, thawed: thawed}
}

// Set replaces the faults.
func (s *Server) Set(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case f.Frozen && !s.faults.Frozen:
		s.thawed = make(chan struct{})
	case !f.Frozen && s.faults.Frozen:
		close(s.thawed)
	}
	s.faults = f
}

// Faults returns what goes wrong at the moment.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// ServeHTTP answers the request for a websocket. It returns when the connection has ended.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter(r) {
		http.Error(w, "", http.StatusServiceUnavailable)
		return
	}
	defer s.wg.Done()
	faults := s.Faults()
	if status, answer := problem(r, faults); status != 0 {
		http.Error(w, answer, status)
		return
	}
	ws, err := accept(w, r, faults.pingInterval()+faults.pingTimeout())
	if err != nil {
		return // it was answered, if it could be
	}
	c := s.connect(ws)
	defer s.disconnect(c)
	c.serve(faults)
}

// enter counts a connection that Close has to wait for.
func (s *Server) enter(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	s.agent = r.UserAgent()
	return true
}

// problem says why a request is none that the server can answer with a websocket. The numbers are those of the protocol.
func problem(r *http.Request, f Faults) (status int, answer string) {
	query := r.URL.Query()
	switch {
	case f.Upgrade != 0:
		return f.Upgrade, http.StatusText(f.Upgrade)
	case query.Get("EIO") != "4":
		return http.StatusBadRequest, `{"code":5,"message":"Unsupported protocol version"}`
	case query.Get("transport") != "websocket":
		return http.StatusBadRequest, `{"code":0,"message":"Transport unknown"}`
	}
	return 0, ""
}

func (s *Server) connect(ws *socket) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted++
	c := newConn(s, ws, s.accepted)
	s.conns = append(s.conns, c)
	if s.closed {
		c.cancel()
	}
	return c
}

func (s *Server) disconnect(c *conn) {
	s.mu.Lock()
	s.conns = slices.DeleteFunc(s.conns, func(other *conn) bool { return other == c })
	s.mu.Unlock()
	c.cut()
	c.wg.Wait()
}

// Close breaks all connections and waits for their end.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.Cut()
	s.wg.Wait()
}

// each returns the connections of the moment.
func (s *Server) each() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.conns)
}

// Cut breaks all connections.
func (s *Server) Cut() {
	for _, c := range s.each() {
		c.cancel()
	}
}

// Kick ends the namespace of all connections.
func (s *Server) Kick() { s.Send("41") }

// Send sends a text frame, whatever it is, on all connections.
func (s *Server) Send(frame string) {
	for _, c := range s.each() {
		c.send(text, []byte(frame))
	}
}

// SendBinary sends a binary frame on all connections.
func (s *Server) SendBinary(frame []byte) {
	for _, c := range s.each() {
		c.send(binaryFrame, frame)
	}
}

// Emit tells everybody in a channel what happened. It does not wait for them.
func (s *Server) Emit(channel, event string, data any) error {
	frame, err := eventFrame(event, channel, data)
	if err != nil {
		return err
	}
	for _, c := range s.each() {
		if c.isIn(channel) {
			c.send(text, frame)
		}
	}
	return nil
}

// Hears reports whether anybody is in a channel.
func (s *Server) Hears(channel string) bool {
	return slices.ContainsFunc(s.each(), func(c *conn) bool { return c.isIn(channel) })
}

// Connections is the number of connections that are open.
func (s *Server) Connections() int { return len(s.each()) }

// Accepted is the number of connections that there have been.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Joins returns the wishes to hear or to leave a channel in their order. If there were very many, the oldest are missing.
func (s *Server) Joins() []Join {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.joins)
}

// Agent returns the User-Agent header of the last request.
func (s *Server) Agent() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.agent
}

// Goodbyes is how many clients have said so before they left.
func (s *Server) Goodbyes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.goodbyes
}

func (s *Server) noteGoodbye() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goodbyes++
}

func (s *Server) note(j Join) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.joins) >= 2*maxJoins {
		s.joins = slices.Clone(s.joins[maxJoins:])
	}
	s.joins = append(s.joins, j)
}

// whenThawed waits while the server is frozen.
func (s *Server) whenThawed(ctx context.Context) error {
	s.mu.Lock()
	thawed := s.thawed
	s.mu.Unlock()
	select {
	case <-thawed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// eventFrame is the frame of an event.
func eventFrame(values ...any) ([]byte, error) {
	data, err := json.Marshal(values)
	return append([]byte("42"), data...), err
}

// helloFrame announces the heartbeat.
func helloFrame(f Faults) string {
	return `0{"sid":"` + newID() + `","upgrades":[],"pingInterval":` + milliseconds(f.PingInterval, 25*time.Second) +
		`,"pingTimeout":` + milliseconds(f.PingTimeout, 20*time.Second) + `,"maxPayload":1000000}`
}

func milliseconds(d, otherwise time.Duration) string {
	return strconv.FormatInt(positive(d, otherwise).Milliseconds(), 10)
}

func positive(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

var errEnded = errors.New("the client has left")
