package events

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
	"github.com/cloudconvert/cloudconvert-go/internal/sio"
)

// idleTimeout is how long the connection is kept after the last subscription.
const idleTimeout = 5 * time.Second

// backoff has the pauses before the client reconnects, and before it repeats a join. After
// a connection that has lasted as long as the longest pause, they start over.
var backoff = poll.Backoff{First: 500 * time.Millisecond, Longest: 10 * time.Second}

// connection is what all subscriptions share, from the first to the last one. Its socket
// is replaced when it breaks.
type connection struct {
	ctx     context.Context
	cancel  context.CancelFunc
	changed chan struct{} // has a value when a channel may have to be joined or left
	idle    *time.Timer

	// Client.mu guards these.
	socket *sio.Conn // nil while not connected
	ended  bool
	tokens []secret // that were sent
}

func newConnection(closeIdle func(*connection)) *connection {
	cn := &connection{changed: make(chan struct{}, 1)}
	cn.ctx, cn.cancel = context.WithCancel(context.Background())
	cn.idle = time.AfterFunc(idleTimeout, func() { closeIdle(cn) })
	return cn
}

// close closes the socket of a detached connection, and ends run. Either may be nil.
func (cn *connection) close(socket *sio.Conn) {
	if cn == nil {
		return
	}
	if socket != nil {
		socket.Close()
	}
	cn.cancel()
}

// detach ends the connection but for its socket, which it returns: closing that takes
// time, and the caller holds c.mu.
func (c *Client) detach() (*connection, *sio.Conn) {
	cn := c.conn
	if cn == nil {
		return nil, nil
	}
	if cn.socket != nil {
		c.ignored += cn.socket.Skipped()
	}
	c.conn = nil
	cn.ended = true
	cn.idle.Stop()
	return cn, cn.socket
}

// closeIdle closes a connection that has had no subscription for a while.
func (c *Client) closeIdle(cn *connection) {
	c.mu.Lock()
	if c.conn != cn || c.subscribed() {
		c.mu.Unlock()
		return
	}
	cn, socket := c.detach()
	clear(c.channels)
	c.mu.Unlock()
	cn.close(socket)
}

// run connects, receives events, and connects again when the socket breaks.
func (c *Client) run(cn *connection) {
	defer cn.cancel()
	for failures := 0; ; failures++ {
		socket, err := c.dial(cn)
		if err == nil {
			start := time.Now()
			err = c.receive(cn, socket)
			if time.Since(start) >= backoff.Longest {
				failures = 0 // a socket that breaks earlier counts as a failure
			}
		}
		if cn.ctx.Err() != nil || c.hasEnded(cn) {
			return
		}
		err = connectionError(c.redactError(cn, err))
		if sio.IsPermanent(err) {
			c.cfg.logger.LogAttrs(cn.ctx, slog.LevelError, "cloudconvert: events: cannot connect", slog.Any("error", err))
			c.fail(cn, err)
			return
		}
		c.disconnected(cn, err)
		pause := backoff.Random(failures)
		c.cfg.logger.LogAttrs(cn.ctx, slog.LevelWarn, "cloudconvert: events: not connected", slog.Any("error", err), slog.Duration("pause", pause))
		if poll.Pause(cn.ctx, pause) != nil {
			return
		}
	}
}

func (c *Client) dial(cn *connection) (*sio.Conn, error) {
	return sio.Dial(cn.ctx, sio.Config{
		URL: c.cfg.url, UserAgent: c.access.UserAgent, Transport: c.cfg.transport, ReadLimit: c.cfg.readLimit,
	})
}

// receive joins all channels and dispatches events until the socket breaks.
func (c *Client) receive(cn *connection, socket *sio.Conn) error {
	if !c.connected(cn, socket) {
		socket.CloseNow() // a closing handshake would need a reader
		return sio.ErrClosed
	}
	c.cfg.logger.LogAttrs(cn.ctx, slog.LevelDebug, "cloudconvert: events: connected")
	ctx, cancel := context.WithCancel(cn.ctx)
	var joining sync.WaitGroup
	joining.Go(func() { (&joiner{c, cn, socket}).run(ctx) })
	defer joining.Wait()
	defer cancel()
	for {
		event, err := socket.Next()
		if err != nil {
			return err
		}
		c.dispatch(cn, event)
	}
}

// connected sets the socket, on which all channels must be joined. It returns false if
// the connection has ended.
func (c *Client) connected(cn *connection, socket *sio.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cn.ended {
		return false
	}
	for _, ch := range c.channels {
		ch.rejoin(c.lost)
	}
	cn.socket, c.lost = socket, nil
	return true
}

// disconnected removes the socket.
func (c *Client) disconnected(cn *connection, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cn.ended {
		return
	}
	if cn.socket != nil {
		c.ignored += cn.socket.Skipped()
	}
	cn.socket, c.lost = nil, err
	for name, ch := range c.channels {
		ch.join = notJoined
		if len(ch.members) == 0 {
			delete(c.channels, name)
		}
	}
}

// fail ends all subscriptions, after an error that another attempt would also get.
func (c *Client) fail(cn *connection, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != cn {
		return
	}
	c.failed = err
	c.detach()
	c.endAll(err)
}

func (c *Client) hasEnded(cn *connection) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cn.ended
}

// dispatch passes an event to the members of its channel.
func (c *Client) dispatch(cn *connection, e sio.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	channel, _ := e.Text(0)
	ch := c.channels[channel]
	switch {
	case cn.ended:
	case ch == nil, Name(e.Name) == Resync: // that name is reserved for this package
		c.ignored++
	case e.Name == "subscription_error":
		c.joinRefused(cn, ch, errorStatus(e))
	case ch.join == notJoined:
		c.ignored++ // it belongs to an earlier join, and would precede the Resync
	default:
		ch.confirm()
		ch.put(Event{Name: Name(e.Name), Channel: channel, Data: eventData(e)})
	}
}

// eventData returns the second argument of an event, or nil.
func eventData(e sio.Event) json.RawMessage {
	if len(e.Args) < 2 {
		return nil
	}
	return e.Args[1]
}

// errorStatus returns the status of a subscription_error, a number or a string, or 0.
func errorStatus(e sio.Event) int {
	status, err := strconv.Atoi(string(bytes.Trim(eventData(e), `"`)))
	if err != nil {
		return 0
	}
	return status
}
