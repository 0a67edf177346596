package sioserver

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Pipe serves a handler over pipes in memory, for tests in a synctest bubble. The
// transport connects to it for every host. stop stops the server.
func Pipe(h http.Handler) (transport *http.Transport, stop func()) {
	l := &pipe{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) }) // returns ErrServerClosed
	transport = &http.Transport{DialContext: l.dial, Proxy: nil}
	return transport, func() {
		transport.CloseIdleConnections()
		_ = server.Close() // Close of the pipe returns no error
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

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close closes the listener but not its connections.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
