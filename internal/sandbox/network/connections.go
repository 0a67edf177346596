package network

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Connections counts accepted connections.
type Connections struct{ open, total atomic.Int64 }

// Open returns the number of open connections.
func (c *Connections) Open() int { return int(c.open.Load()) }

// Total returns the number of connections that were accepted.
func (c *Connections) Total() int { return int(c.total.Load()) }

// Listener returns a listener that counts the connections of l.
func (c *Connections) Listener(l net.Listener) net.Listener { return countingListener{l, c} }

// countingListener counts the end of connections too, also of hijacked ones.
type countingListener struct {
	net.Listener

	count *Connections
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.count.open.Add(1)
	l.count.total.Add(1)
	return &countedConn{Conn: c, count: l.count}, nil
}

type countedConn struct {
	net.Conn

	count *Connections
	once  sync.Once
}

// connKey is the context key of a request's connection.
type connKey struct{}

// WithConn adds the connection, below TLS, to the context of its requests.
func WithConn(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// Close closes the connection and counts that once.
func (c *countedConn) Close() error {
	c.once.Do(func() { c.count.open.Add(-1) })
	return c.Conn.Close()
}

// reset closes the connection so that the client gets a reset, or a closed pipe if there
// is no socket.
func (c *countedConn) reset() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it, Close sends a FIN
	}
	return c.Close()
}

// Cut resets the connection of a request. Over HTTP/2 it does so unless the client has
// cancelled only this request.
func Cut(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.ProtoMajor == 1:
		if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
			return // it has ended already
		}
	case r.Context().Err() != nil:
		return // the client has cancelled only this request
	}
	if c, ok := r.Context().Value(connKey{}).(*countedConn); ok {
		_ = c.reset()
	}
}
