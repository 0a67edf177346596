package sioserver

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Pipe serves a handler without sockets, for tests whose time is not the real one. The transport reaches it under every
// address. The caller calls the function it returns at the end.
func Pipe(h http.Handler) (*http.Transport, func()) {
	l := &pipe{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) }) // always ends with ErrServerClosed
	transport := &http.Transport{DialContext: l.dial, Proxy: nil}
	return transport, func() {
		transport.CloseIdleConnections()
		_ = server.Close() // its error would be one of the pipe, which has none
		serving.Wait()
	}
}

type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for the next connection.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener. Connections live on.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr is that of a pipe.
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
