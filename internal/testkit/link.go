package testkit

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

// A Link simulates the network between a client and all hosts. Each byte takes
// half of the round trip. Connections share the rate of each direction, and a
// new one costs a round trip. There is no slow start, which would make further
// connections and requests more expensive still.
type Link struct {
	roundTrip time.Duration
	up, down  direction
}

// direction is one direction of a link.
type direction struct {
	rate float64 // bytes per second

	mu   sync.Mutex
	free time.Time
}

// NewLink returns a link with a round trip of 30 ms and 20 Mbit/s.
func NewLink() *Link {
	const rate = 20e6 / 8
	return &Link{roundTrip: 30 * time.Millisecond, up: direction{rate: rate}, down: direction{rate: rate}}
}

// sent returns when n bytes that are written now have left.
func (d *direction) sent(n int) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); d.free.Before(now) {
		d.free = now
	}
	d.free = d.free.Add(time.Duration(float64(n) / d.rate * float64(time.Second)))
	return d.free
}

// Over returns a transport that reaches its hosts over the link.
func (l *Link) Over(tb testing.TB, transport http.RoundTripper) *http.Transport {
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

// Linked returns options for a client that reaches the server over a link, by
// HTTP/1.1 like the client's default transport.
func Linked(tb testing.TB, server *cloudconverttest.Server) []cloudconvert.Option {
	tb.Helper()
	transport := NewLink().Over(tb, server.HTTPClient().Transport)
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	if transport.TLSClientConfig != nil {
		transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	client := &http.Client{Transport: transport}
	tb.Cleanup(client.CloseIdleConnections)
	return append(server.ClientOptions(), cloudconvert.WithHTTPClient(client))
}

// segment is the size of a packet.
const segment = 16 << 10

func (l *Link) connect(conn net.Conn) net.Conn {
	c := &linkConn{
		Conn: conn, link: l,
		out: make(chan Packet, 1024), in: make(chan Packet, 1024), closed: make(chan struct{}),
	}
	c.wait(time.Now().Add(l.roundTrip))
	go c.carryOut()
	go c.carryIn()
	return c
}

// A Packet is a part of a stream, and when it arrives.
type Packet struct {
	Data    []byte
	Arrives time.Time
	Err     error
}

// linkConn is the client's end of a connection over a link.
type linkConn struct {
	net.Conn

	link   *Link
	out    chan Packet
	in     chan Packet
	rest   Packet // what is left of the last one read
	once   sync.Once
	closed chan struct{}
}

// Write does not wait for the bytes to arrive.
func (c *linkConn) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		data := append([]byte(nil), p[sent:min(sent+segment, len(p))]...)
		arrives := c.link.up.sent(len(data)).Add(c.link.roundTrip / 2)
		select {
		case c.out <- Packet{Data: data, Arrives: arrives}:
			sent += len(data)
		case <-c.closed:
			return sent, net.ErrClosed
		}
	}
	return len(p), nil
}

// Read returns what has arrived.
func (c *linkConn) Read(p []byte) (int, error) {
	for len(c.rest.Data) == 0 && c.rest.Err == nil {
		select {
		case c.rest = <-c.in:
		case <-c.closed:
			return 0, net.ErrClosed
		}
		c.wait(c.rest.Arrives)
	}
	n := copy(p, c.rest.Data)
	if c.rest.Data = c.rest.Data[n:]; n > 0 {
		return n, nil
	}
	return 0, c.rest.Err
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
			c.wait(p.Arrives)
			if _, err := c.Conn.Write(p.Data); err != nil {
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
		case c.in <- Packet{Data: buffer[:n], Arrives: arrives, Err: err}:
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
