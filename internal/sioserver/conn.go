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
)

// conn is a connection. Its reader is the goroutine of the request, and it has a writer.
type conn struct {
	server *Server
	ws     *socket
	number int
	wg     sync.WaitGroup

	ctx    context.Context
	cancel context.CancelFunc

	mu        sync.Mutex
	connected bool // the namespace is
	channels  map[string]bool
	outbox    []message
	waiting   int           // the size of what has not been written yet
	filled    chan struct{} // has a value when the outbox may have changed
	pong      chan struct{} // has a value when the client has answered a ping
}

type message struct {
	kind  byte
	frame []byte
}

// size is what a message takes in memory, more or less.
func (m message) size() int { return 64 + len(m.frame) }

// maxOutbox is how much may wait for a client. One that lets more come together is cut.
const maxOutbox = 64 << 20

func newConn(s *Server, ws *socket, number int) *conn {
	c := &conn{
		server: s, ws: ws, number: number, channels: map[string]bool{},
		filled: make(chan struct{}, 1), pong: make(chan struct{}, 1),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	context.AfterFunc(c.ctx, ws.close)
	return c
}

func newID() string { return rand.Text() }

// serve speaks with the client until one of them has enough.
func (c *conn) serve(f Faults) {
	c.wg.Go(func() { c.write(f) })
	c.text(helloFrame(f))
	if f.Old {
		c.text("40")
	}
	for {
		if c.read(f) != nil {
			return
		}
	}
}

// cut breaks the connection.
func (c *conn) cut() {
	c.cancel()
	c.ws.close()
}

func (c *conn) text(frame string) { c.send(text, []byte(frame)) }

// send puts a message into the outbox. It does not wait: whoever has news must not wait for a client.
func (c *conn) send(kind byte, frame []byte) {
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

// write empties the outbox and keeps the heartbeat. The connection ends with it.
func (c *conn) write(f Faults) {
	defer c.cancel()
	beat := time.NewTicker(f.pingInterval())
	defer beat.Stop()
	var late <-chan time.Time // fires when a pong is overdue
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-late:
			return
		case <-c.pong:
			late = nil
		case <-beat.C:
			if late == nil { // else an earlier ping has no answer yet
				late = time.After(f.pingTimeout())
			}
			c.text("2")
		case <-c.filled:
			if c.flush() != nil {
				return
			}
		}
	}
}

func (c *conn) flush() error {
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
			if err := c.ws.write(m.kind, m.frame); err != nil {
				return err
			}
			c.written(m)
		}
	}
}

// read understands a message of the client.
func (c *conn) read(f Faults) error {
	frame, err := c.ws.read()
	if err != nil {
		return err
	}
	if err := c.server.whenThawed(c.ctx); err != nil {
		return err
	}
	switch said := string(frame); {
	case said == "3":
		signal(c.pong)
	case said == "40":
		c.wg.Go(func() { c.connect(f) })
	case said == "41":
		c.server.noteGoodbye()
		return errEnded
	case !c.isConnected():
		return errors.New("the client speaks before it is connected")
	case bytes.HasPrefix(frame, []byte("42")):
		c.hear(frame[2:])
	}
	return nil
}

// connect lets the client in, or not.
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

// hear understands an event of the client.
func (c *conn) hear(data []byte) {
	var name string
	var wish struct {
		Channel string `json:"channel"`
		Auth    struct {
			Headers map[string]string `json:"headers"`
		} `json:"auth"`
	}
	if json.Unmarshal(data, &[]any{&name, &wish}) != nil || wish.Channel == "" {
		return
	}
	switch name {
	case "subscribe":
		authorization := wish.Auth.Headers["Authorization"]
		c.server.note(Join{Connection: c.number, Channel: wish.Channel, Authorization: authorization})
		c.wg.Go(func() { c.join(wish.Channel, authorization) })
	case "unsubscribe":
		c.server.note(Join{Connection: c.number, Channel: wish.Channel, Leave: true})
		c.mu.Lock()
		delete(c.channels, wish.Channel)
		c.mu.Unlock()
	}
}

// join lets the client into a channel without telling it, or tells it why not.
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
		c.send(text, frame)
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
