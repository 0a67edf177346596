// Package sioserver is the server of the event socket in the local sandbox and in tests.
// It can inject faults.
package sioserver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/newest"
)

// maxPayload is the size in bytes of the largest message that a client may send.
const maxPayload = 1_000_000

// Authorize returns the HTTP status for a request to join a channel. 200 grants it.
type Authorize func(channel, authorization string) int

// Faults are the faults of a server. The zero value has none.
type Faults struct {
	// PingInterval and PingTimeout are the heartbeat of new connections. The
	// defaults are 25 s and 20 s. Negative values are announced without changes.
	PingInterval, PingTimeout time.Duration
	// Upgrade refuses new connections with an HTTP status.
	Upgrade int
	// Refuse refuses to connect the namespace, with a message.
	Refuse string
	// Old uses the protocol of Socket.IO 2 for new connections.
	Old bool
	// ConnectDelay delays the connection of the namespace.
	ConnectDelay time.Duration
	// JoinDelay delays the authorization of a join.
	JoinDelay time.Duration
	// Join, if it is not nil, replaces the Authorize function of the server.
	Join Authorize
	// Frozen stops reading and writing on all connections. A connection ends when
	// more than 64 MiB wait to be written.
	Frozen bool
}

func (f Faults) pingInterval() time.Duration {
	return max(cmp.Or(f.PingInterval, 25*time.Second), time.Millisecond)
}

func (f Faults) pingTimeout() time.Duration {
	return max(cmp.Or(f.PingTimeout, 20*time.Second), time.Millisecond)
}

// Join is a request to join or to leave a channel.
type Join struct {
	Connection    int // the number of the connection, from 1
	Channel       string
	Authorization string
	Leave         bool
}

// Server is an event socket. It is an [http.Handler] and must be closed.
type Server struct {
	authorize Authorize

	mu       sync.Mutex
	faults   Faults
	thawed   chan struct{} // closed while the server is not frozen
	conns    []*conn
	accepted int
	joins    newest.Values[Join]
	agent    string // of the last request
	goodbyes int
	closed   bool
	wg       sync.WaitGroup
}

// maxJoins is how many joins are kept, and maxJoinsSize is their total size.
const (
	maxJoins     = 10_000
	maxJoinsSize = 16 << 20
)

// New returns a server that authorizes joins with authorize.
func New(authorize Authorize) *Server {
	thawed := make(chan struct{})
	close(thawed)
	joins := newest.Values[Join]{
		Limit: maxJoins, MaxSize: maxJoinsSize, Size: func(j Join) int { return len(j.Channel) + len(j.Authorization) },
	}
	return &Server{authorize: authorize, thawed: thawed, joins: joins}
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

// Faults returns the current faults.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// ServeHTTP serves a connection and returns when it has ended.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter(r) {
		http.Error(w, "", http.StatusServiceUnavailable)
		return
	}
	defer s.wg.Done()
	faults := s.Faults()
	if status, body := refusal(r, faults); status != 0 {
		http.Error(w, body, status)
		return
	}
	// Pages of other origins may connect: a join is authorized by its key, not by a
	// cookie.
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has responded
	}
	ws.SetReadLimit(maxPayload)
	c := s.connect(ws)
	defer s.disconnect(c)
	c.serve(faults) //nolint:contextcheck // the context of a request does not apply to a hijacked connection
}

// enter counts a connection for Close. It returns false if the server is closed.
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

// refusal returns the response to a request that cannot become a websocket, with the
// error codes of the protocol. The status is 0 if it can.
func refusal(r *http.Request, f Faults) (status int, body string) {
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

func (s *Server) connect(ws *websocket.Conn) *conn {
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
	c.cancel()
	_ = c.ws.CloseNow() // it may be closed already
	c.wg.Wait()
}

// Close closes all connections and waits for their end.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.Cut()
	s.wg.Wait()
}

// open returns the open connections.
func (s *Server) open() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.conns)
}

// Cut closes all connections without a close frame.
func (s *Server) Cut() {
	for _, c := range s.open() {
		c.cancel()
	}
}

// Kick disconnects the namespace of all connections.
func (s *Server) Kick() { s.Send("41") }

// Send sends a text frame, which may be invalid, on all connections.
func (s *Server) Send(frame string) {
	for _, c := range s.open() {
		c.text(frame)
	}
}

// SendBinary sends a binary frame on all connections.
func (s *Server) SendBinary(frame []byte) {
	for _, c := range s.open() {
		c.send(websocket.MessageBinary, frame)
	}
}

// Emit sends an event to all clients in a channel, without waiting for them.
func (s *Server) Emit(channel, event string, data any) error {
	frame, err := eventFrame(event, channel, data)
	if err != nil {
		return err
	}
	for _, c := range s.open() {
		if c.isIn(channel) {
			c.send(websocket.MessageText, frame)
		}
	}
	return nil
}

// Hears reports whether any client is in a channel.
func (s *Server) Hears(channel string) bool {
	return slices.ContainsFunc(s.open(), func(c *conn) bool { return c.isIn(channel) })
}

// Connections returns the number of open connections.
func (s *Server) Connections() int { return len(s.open()) }

// Accepted returns the number of connections since the start.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Joins returns the requests to join or to leave a channel, the oldest first. Only the
// newest 10,000 are kept, and only up to 16 MiB.
func (s *Server) Joins() []Join {
	s.mu.Lock()
	defer s.mu.Unlock()
	joins := make([]Join, s.joins.Len())
	for i, j := range s.joins.All() {
		joins[i] = j
	}
	return joins
}

// Agent returns the User-Agent header of the last request.
func (s *Server) Agent() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.agent
}

// Goodbyes returns how many clients have disconnected by the protocol.
func (s *Server) Goodbyes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.goodbyes
}

func (s *Server) countGoodbye() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goodbyes++
}

func (s *Server) record(j Join) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joins.Add(j)
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

// eventFrame returns the frame of an event.
func eventFrame(values ...any) ([]byte, error) {
	data, err := json.Marshal(values)
	return append([]byte("42"), data...), err
}

// openFrame announces the heartbeat.
func openFrame(f Faults) string {
	return `0{"sid":"` + newID() + `","upgrades":[],"pingInterval":` + milliseconds(f.PingInterval, 25*time.Second) +
		`,"pingTimeout":` + milliseconds(f.PingTimeout, 20*time.Second) + `,"maxPayload":` + strconv.Itoa(maxPayload) + `}`
}

func milliseconds(d, byDefault time.Duration) string {
	return strconv.FormatInt(cmp.Or(d, byDefault).Milliseconds(), 10)
}

var errEnded = errors.New("the client disconnected")
