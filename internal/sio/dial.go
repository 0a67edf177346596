// Package sio is a client of the Socket.IO protocol 5 over the Engine.IO protocol 4. It
// has what receiving events takes: websockets, and the default namespace. It has no
// acknowledgements, no binary data and no other transport.
package sio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"
)

const (
	// handshakeTimeout bounds everything until the namespace is connected.
	handshakeTimeout = 10 * time.Second
	// maxHeartbeat is the longest interval or timeout that a server may announce.
	maxHeartbeat = 10 * time.Minute
)

// Config describes the server and the connection.
type Config struct {
	// URL is the base URL, to which the path and the query of the protocol are added.
	URL *url.URL
	// UserAgent is the User-Agent header.
	UserAgent string
	// Transport makes the connection. nil means http.DefaultTransport.
	Transport http.RoundTripper
	// ReadLimit is the size in bytes of the largest message that is read.
	ReadLimit int64
}

// Dial connects to the server and to its default namespace. The context bounds only the
// call, not the connection.
func Dial(ctx context.Context, cfg Config) (*Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, handshakeTimeout, fmt.Errorf("the handshake took longer than %v", handshakeTimeout))
	defer cancel()
	ws, err := cfg.upgrade(ctx)
	if err != nil {
		return nil, cause(ctx, err)
	}
	ws.SetReadLimit(cfg.ReadLimit)
	c := newConn(ws)
	if err := c.handshake(ctx); err != nil {
		c.CloseNow()
		return nil, cause(ctx, err)
	}
	return c, nil
}

// cause returns the cause of the context's end in place of an error that follows from it.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (cfg Config) upgrade(ctx context.Context) (*websocket.Conn, error) {
	transport := &upgradeTransport{next: cfg.Transport}
	defer transport.release()
	ws, response, err := websocket.Dial(ctx, socketURL(cfg.URL), cfg.options(transport)) //nolint:bodyclose // as documented by Dial
	switch {
	case err == nil:
		return ws, nil
	case response != nil && response.StatusCode != http.StatusSwitchingProtocols:
		return nil, &UpgradeError{Status: response.StatusCode}
	}
	if failure, ok := errors.AsType[*url.Error](err); ok {
		return nil, failure.Err // without the URL
	}
	return nil, err
}

// socketURL adds the path and the query of the protocol to a base URL.
func socketURL(base *url.URL) string {
	target := base.JoinPath("socket.io/")
	target.RawQuery = url.Values{"EIO": {"4"}, "transport": {"websocket"}}.Encode()
	return target.String()
}

// upgradeTransport sends a single request. It refuses a response body that cannot serve
// as a connection. Until release, it closes the connection when the context ends: with an
// invalid response, websocket.Dial reads from it without regard to the context.
type upgradeTransport struct {
	next http.RoundTripper
	stop func() bool // nil before there is a connection
}

// RoundTrip sends the upgrade request.
func (t *upgradeTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	next := t.next
	if next == nil {
		next = http.DefaultTransport
	}
	response, err := next.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		return response, err
	}
	body := response.Body
	if _, ok := body.(io.ReadWriteCloser); !ok {
		return nil, errors.Join(ErrWrapped, body.Close())
	}
	t.stop = context.AfterFunc(r.Context(), func() { _ = body.Close() }) // nothing was sent yet
	return response, nil
}

// release detaches the connection from the context of the request.
func (t *upgradeTransport) release() {
	if t.stop != nil {
		t.stop()
	}
}

// handshake reads the heartbeat and connects the namespace. It sends nothing else before
// that is connected: the server would close the connection without an error.
func (c *Conn) handshake(ctx context.Context) error {
	frame, err := c.frame(ctx)
	if err != nil {
		return err
	}
	open := decode(frame)
	if open.kind != kindOpen {
		return errors.New("the server does not open the connection as the protocol requires: is this the URL of an event socket?")
	}
	if c.silence, err = heartbeat(open.data); err != nil {
		return err
	}
	if err := c.write(ctx, []byte("40")); err != nil {
		return err
	}
	for {
		p, err := c.packet(ctx)
		if err != nil {
			return err
		}
		if p.kind == kindConnect {
			return checkSession(p.data)
		}
	}
}

// heartbeat returns how long the server may be silent: the sum of its ping interval and
// its ping timeout.
func heartbeat(data []byte) (time.Duration, error) {
	var open struct {
		PingInterval float64 `json:"pingInterval"`
		PingTimeout  float64 `json:"pingTimeout"`
	}
	if err := json.Unmarshal(data, &open); err != nil {
		return 0, errors.New("the first packet of the server is invalid")
	}
	for _, value := range []float64{open.PingInterval, open.PingTimeout} {
		if value < 1 || value > float64(maxHeartbeat.Milliseconds()) {
			return 0, fmt.Errorf("the server announces an invalid heartbeat of %v ms", value)
		}
	}
	return time.Duration((open.PingInterval + open.PingTimeout) * float64(time.Millisecond)), nil
}

// checkSession refuses servers of Socket.IO 2, which connect the namespace unasked and
// without an id.
func checkSession(data []byte) error {
	var session struct {
		ID string `json:"sid"`
	}
	if json.Unmarshal(data, &session) != nil || session.ID == "" {
		return ErrOldServer
	}
	return nil
}
