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
	// closeTimeout bounds the closing handshake.
	closeTimeout = 500 * time.Millisecond
	// maxText bounds the text of the server that an error quotes.
	maxText = 200
)

// Conn is a connection to a server. One goroutine must call [Conn.Next] all the time: it
// also responds to pings. The other methods are safe for concurrent use.
type Conn struct {
	ws      *websocket.Conn
	silence time.Duration // after which the connection counts as broken
	skipped atomic.Int64

	// ctx ends with the connection, for errors to say which side closed it.
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
			c.CloseNow()
			return Event{}, err
		}
		if p.kind == kindPing || p.kind == kindNoop {
			continue
		}
		if event, ok := decodeEvent(p.data); ok && p.kind == kindEvent {
			return event, nil
		}
		c.skipped.Add(1)
	}
}

// nextPacket waits for a packet until the server has been silent for too long.
func (c *Conn) nextPacket() (packet, error) {
	ctx, cancel := context.WithTimeoutCause(c.ctx, c.silence, fmt.Errorf("%w for %v", ErrSilent, c.silence))
	defer cancel()
	p, err := c.packet(ctx)
	if err != nil && c.ctx.Err() != nil {
		return packet{}, ErrClosed
	}
	return p, cause(ctx, err)
}

// Skipped returns how many messages this package did not understand.
func (c *Conn) Skipped() int64 { return c.skipped.Load() }

// packet reads a packet, and responds to it if it is a ping.
func (c *Conn) packet(ctx context.Context) (packet, error) {
	frame, err := c.frame(ctx)
	if err != nil {
		return packet{}, err
	}
	p := decode(frame)
	switch p.kind {
	case kindPing:
		return p, c.write(ctx, slices.Concat([]byte("3"), p.data))
	case kindClose, kindDisconnect:
		return p, ErrEnded
	case kindConnectError:
		return p, refusal(p.data)
	default:
		return p, nil
	}
}

// frame reads a message. It returns nothing for a binary one.
func (c *Conn) frame(ctx context.Context) ([]byte, error) {
	messageType, message, err := c.ws.Read(ctx)
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return nil, ErrTooBig
	case err != nil:
		return nil, fmt.Errorf("the connection broke: %w", err)
	case messageType != websocket.MessageText:
		return nil, nil
	}
	return message, nil
}

func refusal(data []byte) error {
	var body struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(data, &body) // the message is optional
	return &RefusedError{Message: body.Message[:min(len(body.Message), maxText)]}
}

// Emit sends an event. An error ends the connection.
func (c *Conn) Emit(name string, args ...any) error {
	frame, err := encodeEvent(name, args...)
	if err != nil {
		return err
	}
	return c.write(c.ctx, frame)
}

// write sends a message. A timeout ends the connection.
func (c *Conn) write(ctx context.Context, frame []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, frame)
}

// Close disconnects from the server and ends the connection. It takes at most half a
// second, even if the server does not respond.
func (c *Conn) Close() {
	timer := time.AfterFunc(closeTimeout, c.cancel)
	defer timer.Stop()
	if c.write(c.ctx, []byte("41")) == nil {
		_ = c.ws.Close(websocket.StatusNormalClosure, "") // the connection ends in any case
	}
	c.CloseNow()
}

// CloseNow ends the connection without a closing handshake.
func (c *Conn) CloseNow() {
	c.cancel()
	_ = c.ws.CloseNow() // the connection ends in any case
}
