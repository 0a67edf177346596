package cloudconverttest

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
)

// The addresses of a server in process. No socket listens on them.
const (
	inProcessAPI    = "127.0.0.1:1"
	inProcessSync   = "127.0.0.1:2"
	inProcessEvents = "127.0.0.1:3"
)

// pipeListener is a listener whose connections are pipes in memory.
type pipeListener struct {
	addr   pipeAddr
	tls    bool // connections use TLS
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener(addr string, secure bool) *pipeListener {
	return &pipeListener{addr: pipeAddr(addr), tls: secure, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	if l.tls {
		server = &handshakeConn{Conn: server, written: make(chan struct{})}
	}
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A handshakeConn does not wait for the client to read the first write: over TLS, a
// client that refuses the certificate writes before it has read all of it.
type handshakeConn struct {
	net.Conn

	first   sync.Once
	written chan struct{}
}

// Write writes p after the first write.
func (c *handshakeConn) Write(p []byte) (n int, err error) {
	c.first.Do(func() {
		p, n = slices.Clone(p), len(p)
		go func() {
			defer close(c.written)
			_, _ = c.Conn.Write(p) // the next write, or a read, notices the error
		}()
	})
	if n > 0 {
		return n, nil
	}
	<-c.written
	return c.Conn.Write(p)
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close closes the listener but not its connections.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns an address of the form of a socket's.
func (l *pipeListener) Addr() net.Addr { return l.addr }

type pipeAddr string

// Network returns "tcp", which callers expect.
func (pipeAddr) Network() string { return "tcp" }

func (a pipeAddr) String() string { return string(a) }

// connections counts accepted connections.
type connections struct{ open, total atomic.Int64 }

// countingListener counts the end of connections too, also of hijacked ones.
type countingListener struct {
	net.Listener

	count *connections
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

	count *connections
	once  sync.Once
}

// connKey is the context key of a request's connection.
type connKey struct{}

// withConn adds the connection, below TLS, to the context of its requests.
func withConn(ctx context.Context, c net.Conn) context.Context {
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

// Connections returns the number of open connections.
func (s *Server) Connections() int { return int(s.conns.open.Load()) }

// ConnectionsAccepted returns the number of connections since the start of the server.
func (s *Server) ConnectionsAccepted() int { return int(s.conns.total.Load()) }
