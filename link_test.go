package cloudconvert_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// link is the way between a client and all hosts: each byte is on its way for
// half of the round trip, and each direction has a rate that connections
// share. A new connection costs one round trip. Slow start is left out, which
// would make further connections and requests still dearer.
type link struct {
	roundTrip time.Duration
	up, down  direction
}

// direction is one of the two of a link.
type direction struct {
	rate float64 // bytes per second

	mu   sync.Mutex
	free time.Time
}

// newLink returns a link with a round trip of 30 ms and 20 Mbit/s.
func newLink() *link {
	const rate = 20e6 / 8
	return &link{roundTrip: 30 * time.Millisecond, up: direction{rate: rate}, down: direction{rate: rate}}
}

// sent returns when bytes that are handed over now have left.
func (d *direction) sent(n int) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); d.free.Before(now) {
		d.free = now
	}
	d.free = d.free.Add(time.Duration(float64(n) / d.rate * float64(time.Second)))
	return d.free
}

// over returns a transport that reaches its hosts over the link.
func (l *link) over(tb testing.TB, transport http.RoundTripper) *http.Transport {
	tb.Helper()
	standard, ok := transport.(*http.Transport)
	require.True(tb, ok)
	linked := standard.Clone()
	dial := linked.DialContext
	linked.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return l.connect(conn), nil
	}
	return linked
}

// linked returns options for a client that reaches the server over the link, by
// HTTP/1.1 like the transport that clients have without options.
func linked(tb testing.TB, server *cloudconverttest.Server) []cloudconvert.Option {
	tb.Helper()
	transport := newLink().over(tb, server.HTTPClient().Transport)
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	if transport.TLSClientConfig != nil {
		transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	client := &http.Client{Transport: transport}
	tb.Cleanup(client.CloseIdleConnections)
	return append(server.Options(), cloudconvert.WithHTTPClient(client))
}

// segment is what travels at a time.
const segment = 16 << 10

func (l *link) connect(conn net.Conn) net.Conn {
	c := &linkConn{
		Conn: conn, link: l,
		out: make(chan packet, 1024), in: make(chan packet, 1024), closed: make(chan struct{}),
	}
	c.wait(time.Now().Add(l.roundTrip))
	go c.carryOut()
	go c.carryIn()
	return c
}

// packet is a segment and when it arrives.
type packet struct {
	data    []byte
	arrives time.Time
	err     error
}

// linkConn is the client's end of a connection over a link.
type linkConn struct {
	net.Conn

	link   *link
	out    chan packet
	in     chan packet
	rest   packet // of what was read
	once   sync.Once
	closed chan struct{}
}

// Write hands bytes over. It does not wait for them to arrive.
func (c *linkConn) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		data := append([]byte(nil), p[sent:min(sent+segment, len(p))]...)
		arrives := c.link.up.sent(len(data)).Add(c.link.roundTrip / 2)
		select {
		case c.out <- packet{data: data, arrives: arrives}:
			sent += len(data)
		case <-c.closed:
			return sent, net.ErrClosed
		}
	}
	return len(p), nil
}

// Read returns what has arrived.
func (c *linkConn) Read(p []byte) (int, error) {
	for len(c.rest.data) == 0 && c.rest.err == nil {
		select {
		case c.rest = <-c.in:
		case <-c.closed:
			return 0, net.ErrClosed
		}
		c.wait(c.rest.arrives)
	}
	n := copy(p, c.rest.data)
	if c.rest.data = c.rest.data[n:]; n > 0 {
		return n, nil
	}
	return 0, c.rest.err
}

// Close ends the connection.
func (c *linkConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *linkConn) carryOut() {
	for {
		select {
		case p := <-c.out:
			c.wait(p.arrives)
			if _, err := c.Conn.Write(p.data); err != nil {
				_ = c.Close()
				return
			}
		case <-c.closed:
			return
		}
	}
}

func (c *linkConn) carryIn() {
	for {
		buffer := make([]byte, segment)
		n, err := c.Conn.Read(buffer)
		arrives := c.link.down.sent(n).Add(c.link.roundTrip / 2)
		select {
		case c.in <- packet{data: buffer[:n], arrives: arrives, err: err}:
		case <-c.closed:
			return
		}
		if err != nil {
			return
		}
	}
}

// wait waits until a moment, or the end of the connection.
func (c *linkConn) wait(until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.closed:
	}
}
