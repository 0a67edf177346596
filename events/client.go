package events

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/access"
)

// Client receives events over the event socket. It is made by [New], must be closed,
// and is safe for concurrent use.
type Client struct {
	api    *cloudconvert.Client
	access access.Access
	cfg    config

	running sync.WaitGroup // of connections

	mu       sync.Mutex
	channels map[string]*channelState
	numbered int         // counts the channels there have been
	conn     *connection // nil without subscriptions
	closed   bool
	failed   error // why the client cannot connect
	lost     error // why it is not connected at the moment
	ignored  int64
}

// New returns a client of the event socket for the account of an API client. It does
// not use the network: the first subscription connects.
func New(client *cloudconvert.Client, opts ...Option) (*Client, error) {
	if client == nil {
		return nil, errors.New("cloudconvert: events: the client is nil")
	}
	c := &Client{api: client, access: access.Of(client), channels: map[string]*channelState{}}
	cfg, err := newConfig(c.access, opts)
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: events: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	c.cfg = cfg
	return c, nil
}

// String returns the host of the socket, without credentials.
func (c *Client) String() string { return "events.Client(" + c.cfg.url.Host + ")" }

// Err returns why the client is not connected: its last failure, or the one after which
// it does not try to connect any more. It is nil while the client is connected, and
// before the first attempt.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return c.failed
	}
	return c.lost
}

// Ignored returns how many messages of the service this package did not understand, or
// belonged to no subscription.
func (c *Client) Ignored() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	ignored := c.ignored
	if c.conn != nil && c.conn.socket != nil {
		ignored += c.conn.socket.Skipped()
	}
	return ignored
}

// Close ends all subscriptions and the connection. It returns within a second,
// even if the service does not respond. A second Close does nothing.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.endAll(ErrClosed)
	cn, socket := c.detach()
	c.mu.Unlock()
	cn.close(socket)
	c.running.Wait()
}

// endAll ends all subscriptions. The caller holds c.mu.
func (c *Client) endAll(err error) {
	for name, ch := range c.channels {
		delete(c.channels, name)
		ch.end(err)
	}
}

// subscribed reports whether there are subscriptions. The caller holds c.mu.
func (c *Client) subscribed() bool {
	for _, ch := range c.channels {
		if len(ch.members) > 0 {
			return true
		}
	}
	return false
}

// enter adds a receiver to a channel, and connects if it is the first one.
func (c *Client) enter(channel Channel, to receiver) (*member, error) {
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
	ch := c.channels[channel.name]
	if ch == nil {
		c.numbered++
		ch = &channelState{name: channel.name, number: c.numbered}
		c.channels[channel.name] = ch
	}
	m := ch.enter(to)
	if c.conn == nil {
		cn := newConnection(c.closeIdle)
		c.conn = cn
		c.running.Go(func() { c.run(cn) })
	}
	c.conn.idle.Stop()
	signal(c.conn.changed)
	return m, nil
}

// leave removes a member from its channel. Further calls do nothing.
func (c *Client) leave(m *member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := m.channel
	if !ch.leave(m) || c.channels[ch.name] != ch || c.conn == nil {
		return
	}
	if len(ch.members) == 0 && ch.join == notJoined {
		delete(c.channels, ch.name)
	}
	if !c.subscribed() {
		c.conn.idle.Reset(idleTimeout)
	}
	signal(c.conn.changed)
}

// mayReceive reports whether the channel of a member may be joined. The service does not
// acknowledge joins.
func (c *Client) mayReceive(m *member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return m.channel.join != notJoined
}

// joinError returns why the channel of a member is not joined, or nil if that is unknown.
func (c *Client) joinError(m *member) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return m.channel.cause
}
