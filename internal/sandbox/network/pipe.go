// Package network connects a server with its clients, over sockets or in process: it has
// listeners, TLS, and connections that can be counted and reset.
package network

import (
	"context"
	"net"
	"slices"
	"sync"
)

// pipeListener is a listener whose connections are pipes in memory.
type pipeListener struct {
	addr   pipeAddr
	tls    bool // connections use TLS
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Pipes returns a listener whose connections are pipes in memory. Its address is that of
// a socket, which does not exist. With secure its connections are for TLS.
func Pipes(addr string, secure bool) net.Listener {
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

// A DialFunc connects to an address, as [net.Dialer.DialContext].
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// PipeDialer connects to listeners in process, and uses dial for other addresses.
func PipeDialer(dial DialFunc, listeners ...net.Listener) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		addr = loopback(addr)
		for _, l := range listeners {
			if p, ok := l.(*pipeListener); ok && p.addr.String() == addr {
				return p.dial(ctx)
			}
		}
		return dial(ctx, network, addr)
	}
}
