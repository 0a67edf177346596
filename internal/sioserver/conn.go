package sioserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// conn is a connection. The goroutine of its request reads, and another one writes.
type conn struct {
	server *Server
	ws     *websocket.Conn
	number int
	wg     sync.WaitGroup

	ctx    context.Context
	cancel context.CancelFunc

	mu        sync.Mutex
	connected bool // the namespace is connected
	channels  map[string]bool
	outbox    []message
	waiting   int           // size of the messages that were not written yet
	filled    chan struct{} // has a value when the outbox may have changed
	pong      chan struct{} // has a value when a pong was received
}

type message struct {
	kind  websocket.MessageType
	frame []byte
}

// size returns about how much memory a message takes.
func (m message) size() int { return 64 + len(m.frame) }

// maxOutbox bounds the messages that wait to be written. Beyond it the connection ends.
const maxOutbox = 64 << 20

func newConn(s *Server, ws *websocket.Conn, number int) *conn {
	c := &conn{
		server: s, ws: ws, number: number, channels: map[string]bool{},
		filled: make(chan struct{}, 1), pong: make(chan struct{}, 1),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func newID() string { return rand.Text() }

// serve serves the client until the connection ends.
func (c *conn) serve(f Faults) {
	c.wg.Go(func() { c.write(f) })
	c.text(openFrame(f))
	if f.Old {
		c.text("40")
	}
	for {
		if c.read(f) != nil {
			return
		}
	}
}

func (c *conn) text(frame string) { c.send(websocket.MessageText, []byte(frame)) }

// send puts a message into the outbox, without waiting for the client.
func (c *conn) send(kind websocket.MessageType, frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := message{kind, frame}
	if c.waiting+m.size() > maxOutbox {
		c.cancel()
		return
	}
	c.outbox = append(c.outbox, m)
	c.waiting += m.size()
	signal(c.filled)
}

func (c *conn) written(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting -= m.size()
}

func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// write writes the messages of the outbox and sends pings. The connection ends with it.
func (c *conn) write(f Faults) {
	defer c.cancel()
	beat := time.NewTicker(f.pingInterval())
	defer beat.Stop()
	var late <-chan time.Time // has a value when a pong is overdue
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-late:
			return
		case <-c.pong:
			late = nil
		case <-beat.C:
			if late == nil { // else an earlier ping still has no pong
				late = time.After(f.pingTimeout())
			}
			c.text("2")
		case <-c.filled:
			if c.flush(f.pingInterval()+f.pingTimeout()) != nil {
				return
			}
		}
	}
}

// flush writes the outbox. Each message may take as long as the client may be silent.
func (c *conn) flush(timeout time.Duration) error {
	for {
		c.mu.Lock()
		messages := c.outbox
		c.outbox = nil
		c.mu.Unlock()
		if len(messages) == 0 {
			return nil
		}
		for _, m := range messages {
			if err := c.server.whenThawed(c.ctx); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.ctx, timeout)
			err := c.ws.Write(ctx, m.kind, m.frame)
			cancel()
			if err != nil {
				return err
			}
			c.written(m)
		}
	}
}

// read reads and handles a message of the client.
func (c *conn) read(f Faults) error {
	_, frame, err := c.ws.Read(c.ctx)
	if err != nil {
		return err
	}
	if err := c.server.whenThawed(c.ctx); err != nil {
		return err
	}
	switch text := string(frame); {
	case text == "3":
		signal(c.pong)
	case text == "40":
		c.wg.Go(func() { c.connect(f) })
	case text == "41":
		c.server.countGoodbye()
		return errEnded
	case !c.isConnected():
		return errors.New("the client sent a message before the namespace was connected")
	case bytes.HasPrefix(frame, []byte("42")):
		c.handleEvent(frame[2:])
	}
	return nil
}

// connect connects the namespace, or refuses to.
func (c *conn) connect(f Faults) {
	if c.pause(f.ConnectDelay) != nil {
		return
	}
	if f.Refuse != "" {
		message, err := json.Marshal(map[string]string{"message": f.Refuse})
		if err == nil {
			c.text("44" + string(message))
		}
		return
	}
	c.mu.Lock()
	c.connected = true
	c.mu.Unlock()
	c.text(`40{"sid":"` + newID() + `"}`)
}

func (c *conn) isConnected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connected
}

func (c *conn) isIn(channel string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.channels[channel]
}

// handleEvent handles an event of the client.
func (c *conn) handleEvent(data []byte) {
	var name string
	var request struct {
		Channel string `json:"channel"`
		Auth    struct {
			Headers map[string]string `json:"headers"`
		} `json:"auth"`
	}
	if json.Unmarshal(data, &[]any{&name, &request}) != nil || request.Channel == "" {
		return
	}
	switch name {
	case "subscribe":
		authorization := request.Auth.Headers["Authorization"]
		c.server.record(Join{Connection: c.number, Channel: request.Channel, Authorization: authorization})
		c.wg.Go(func() { c.join(request.Channel, authorization) })
	case "unsubscribe":
		c.server.record(Join{Connection: c.number, Channel: request.Channel, Leave: true})
		c.mu.Lock()
		delete(c.channels, request.Channel)
		c.mu.Unlock()
	}
}

// join joins a channel. It sends only refusals: the service does not acknowledge joins.
func (c *conn) join(channel, authorization string) {
	f := c.server.Faults()
	if c.pause(f.JoinDelay) != nil {
		return
	}
	authorize := c.server.authorize
	if f.Join != nil {
		authorize = f.Join
	}
	status := authorize(channel, authorization)
	if status == http.StatusOK {
		c.mu.Lock()
		c.channels[channel] = true
		c.mu.Unlock()
		return
	}
	if frame, err := eventFrame("subscription_error", channel, status); err == nil {
		c.send(websocket.MessageText, frame)
	}
}

func (c *conn) pause(d time.Duration) error {
	if d <= 0 {
		return c.ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}
