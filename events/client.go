package events

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/access"
	"github.com/cloudconvert/cloudconvert-go/internal/sio"
)

// linger is how long the line is kept for the next subscription after the last one.
const linger = 5 * time.Second

// Client listens to the event socket. It is made by [New], must be closed, and
// is safe for concurrent use.
type Client struct {
	api  *cloudconvert.Client
	lent access.Access
	cfg  config

	lines sync.WaitGroup

	mu      sync.Mutex
	rooms   map[string]*room
	entered int   // counts the rooms there have been
	line    *line // nil while nobody listens
	closed  bool
	failed  error // why there can be no line
	lost    error // why there is no line at the moment
	ignored int64
}

// New returns a listener for the account of the client. It does not use the
// network: the line is made for the first subscription.
func New(client *cloudconvert.Client, opts ...Option) (*Client, error) {
	if client == nil {
		return nil, errors.New("cloudconvert: events: the client is nil")
	}
	c := &Client{api: client, lent: access.Of(client), rooms: map[string]*room{}}
	cfg, err := newConfig(c.lent, opts)
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: events: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	c.cfg = cfg
	return c, nil
}

// String names the address of the socket, and no key.
func (c *Client) String() string { return "events.Client(" + c.cfg.url.Host + ")" }

// Err returns why there is no connection: the last failure, or the one that ended it
// for good. It is nil while there is a line, and before the first attempt.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return c.failed
	}
	return c.lost
}

// Ignored returns how many messages of the service were not understood by this
// package, or belonged to no subscription.
func (c *Client) Ignored() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	ignored := c.ignored
	if c.line != nil && c.line.conn != nil {
		ignored += c.line.conn.Skipped()
	}
	return ignored
}

// Close ends all subscriptions and the line. It returns within a second,
// whatever the service does. A second Close does nothing.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.dismiss(ErrClosed)
	l, conn := c.detach()
	c.mu.Unlock()
	l.end(conn)
	c.lines.Wait()
}

// detach takes the line away, which is going to end. It needs the lock.
func (c *Client) detach() (*line, *sio.Conn) {
	l := c.line
	if l == nil {
		return nil, nil
	}
	if l.conn != nil {
		c.ignored += l.conn.Skipped()
	}
	c.line = nil
	l.ended = true
	l.linger.Stop()
	return l, l.conn
}

// dismiss ends all subscriptions. It needs the lock.
func (c *Client) dismiss(err error) {
	for name, r := range c.rooms {
		delete(c.rooms, name)
		r.dismiss(err)
	}
}

// hangUp ends a line that nobody has needed for a while.
func (c *Client) hangUp(l *line) {
	c.mu.Lock()
	if c.line != l || c.listened() {
		c.mu.Unlock()
		return
	}
	l, conn := c.detach()
	clear(c.rooms)
	c.mu.Unlock()
	l.end(conn)
}

// listened reports whether there are subscriptions. It needs the lock.
func (c *Client) listened() bool {
	for _, r := range c.rooms {
		if len(r.members) > 0 {
			return true
		}
	}
	return false
}

// fail gives up: a further attempt would fail in the same way.
func (c *Client) fail(l *line, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.line != l {
		return
	}
	c.failed = err
	c.detach()
	c.dismiss(err)
}

// enter adds somebody who listens to a channel. The line is made if there is none.
func (c *Client) enter(channel Channel, to listener) (*member, error) {
	if err := channel.check(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, ErrClosed
	case c.failed != nil:
		return nil, c.failed
	}
	r := c.rooms[channel.name]
	if r == nil {
		c.entered++
		r = &room{channel: channel.name, number: c.entered}
		c.rooms[channel.name] = r
	}
	m := r.enter(to)
	if c.line == nil {
		l := newLine(c.hangUp)
		c.line = l
		c.lines.Go(func() { c.supervise(l) })
	}
	c.line.linger.Stop()
	signal(c.line.changed)
	return m, nil
}

// leave takes away somebody who listens. It may be called more than once.
func (c *Client) leave(m *member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := m.room
	if !r.leave(m) || c.rooms[r.channel] != r || c.line == nil {
		return
	}
	if len(r.members) == 0 && r.state == absent {
		delete(c.rooms, r.channel)
	}
	if !c.listened() {
		c.line.linger.Reset(linger)
	}
	signal(c.line.changed)
}

// hears reports whether somebody may be in the channel, for all that is known.
func (c *Client) hears(m *member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return m.room.state != absent
}

// obstacle is why somebody who waits has not joined yet, if that is known.
func (c *Client) obstacle(m *member) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return m.room.cause
}

// line is a run of the supervisor, from the first subscription to the last.
type line struct {
	ctx     context.Context
	cancel  context.CancelFunc
	changed chan struct{} // has a value when there may be somebody who wants to join or leave
	linger  *time.Timer

	// Guarded by the lock of the client.
	conn    *sio.Conn // nil while there is none
	ended   bool
	secrets []secret // the tokens that were sent
}

func newLine(hangUp func(*line)) *line {
	l := &line{changed: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.linger = time.AfterFunc(linger, func() { hangUp(l) })
	return l
}

// end says goodbye if there is a connection, and lets the supervisor end. A nil line has ended.
func (l *line) end(conn *sio.Conn) {
	if l == nil {
		return
	}
	if conn != nil {
		conn.Close()
	}
	l.cancel()
}
