package sio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// writeTimeout bounds each message that is sent.
	writeTimeout = 10 * time.Second
	// farewell bounds how long a goodbye may take.
	farewell = 500 * time.Millisecond
	// maxText bounds what is repeated of a server's words.
	maxText = 200
)

// Conn is a connection to a server. [Conn.Next] must be called all the time, by one goroutine. The other methods may be called
// by any.
type Conn struct {
	ws      *websocket.Conn
	silence time.Duration // after which the server is gone
	skipped atomic.Int64

	// ctx is the life of the connection, which ends with the goodbye.
	ctx    context.Context
	cancel context.CancelFunc
}

func newConn(ws *websocket.Conn) *Conn {
	c := &Conn{ws: ws}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Next returns the next event. Any error ends the connection.
func (c *Conn) Next() (Event, error) {
	for {
		p, err := c.nextPacket()
		if err != nil {
			c.Cut()
			return Event{}, err
		}
		if p.kind != happened {
			c.skip(p)
			continue
		}
		if event, ok := decodeEvent(p.data); ok {
			return event, nil
		}
		c.skipped.Add(1)
	}
}

// nextPacket waits for a packet no longer than the server may be silent.
func (c *Conn) nextPacket() (packet, error) {
	ctx, cancel := context.WithTimeoutCause(c.ctx, c.silence, fmt.Errorf("%w for %v", ErrSilent, c.silence))
	defer cancel()
	p, err := c.packet(ctx)
	if err != nil && c.ctx.Err() != nil {
		return packet{}, ErrClosed
	}
	return p, cause(ctx, err)
}

// Skipped returns how many messages were none that this package knows.
func (c *Conn) Skipped() int64 { return c.skipped.Load() }

func (c *Conn) skip(p packet) {
	if p.kind != ping && p.kind != noop {
		c.skipped.Add(1)
	}
}

// packet reads a packet and answers it if it is a ping.
func (c *Conn) packet(ctx context.Context) (packet, error) {
	frame, err := c.frame(ctx)
	if err != nil {
		return packet{}, err
	}
	p := decode(frame)
	switch p.kind {
	case ping:
		return p, c.write(ctx, slices.Concat([]byte("3"), p.data))
	case closed, kicked:
		return p, ErrEnded
	case refused:
		return p, refusal(p.data)
	default:
		return p, nil
	}
}

// frame reads a message. One that is no text is empty.
func (c *Conn) frame(ctx context.Context) ([]byte, error) {
	form, message, err := c.ws.Read(ctx)
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return nil, ErrTooBig
	case err != nil:
		return nil, fmt.Errorf("the connection broke: %w", err)
	case form != websocket.MessageText:
		return nil, nil
	}
	return message, nil
}

func refusal(data []byte) error {
	var said struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(data, &said) // no message is none
	return &RefusedError{Message: said.Message[:min(len(said.Message), maxText)]}
}

// Emit sends an event. An error ends the connection.
func (c *Conn) Emit(name string, args ...any) error {
	frame, err := encodeEvent(name, args...)
	if err != nil {
		return err
	}
	return c.write(c.ctx, frame)
}

// write sends a message. If it cannot be sent in time the connection ends.
func (c *Conn) write(ctx context.Context, frame []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, frame)
}

// Close says goodbye and ends the connection, after a moment also if the server does not listen.
func (c *Conn) Close() {
	timer := time.AfterFunc(farewell, c.cancel)
	defer timer.Stop()
	if c.write(c.ctx, []byte("41")) == nil {
		_ = c.ws.Close(websocket.StatusNormalClosure, "") // whoever leaves need not know
	}
	c.Cut()
}

// Cut ends the connection at once.
func (c *Conn) Cut() {
	c.cancel()
	_ = c.ws.CloseNow() // whoever leaves need not know
}
