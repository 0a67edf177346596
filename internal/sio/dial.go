// Package sio is the client side of the Socket.IO protocol 5 over the Engine.IO protocol 4, as far as receiving events needs
// it: websockets only, the default namespace only, no acknowledgements and no binary data.
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
	// handshakeTimeout bounds everything up to the connected namespace.
	handshakeTimeout = 10 * time.Second
	// maxHeartbeat is the longest interval or timeout that a server may announce.
	maxHeartbeat = 10 * time.Minute
)

// Config says whom to call, and how.
type Config struct {
	// URL is the base address, to which the path and the query of the protocol are added.
	URL *url.URL
	// UserAgent is the header of that name.
	UserAgent string
	// Transport makes the connection. nil stands for the default one.
	Transport http.RoundTripper
	// ReadLimit is the largest message in bytes that is read.
	ReadLimit int64
}

// Dial returns a connection whose namespace is connected. The context bounds the call only.
func Dial(ctx context.Context, cfg Config) (*Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, handshakeTimeout, errors.New("the server did not shake hands in time"))
	defer cancel()
	ws, err := cfg.upgrade(ctx)
	if err != nil {
		return nil, cause(ctx, err)
	}
	ws.SetReadLimit(cfg.ReadLimit)
	c := newConn(ws)
	if err := c.shakeHands(ctx); err != nil {
		c.Cut()
		return nil, cause(ctx, err)
	}
	return c, nil
}

// cause prefers what ended a context to what followed from it.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// upgrade makes the websocket.
func (cfg Config) upgrade(ctx context.Context) (*websocket.Conn, error) {
	upgrading := &transport{next: cfg.Transport}
	defer upgrading.release()
	ws, answer, err := websocket.Dial(ctx, address(cfg.URL), cfg.options(upgrading)) //nolint:bodyclose // as documented by Dial
	switch {
	case err == nil:
		return ws, nil
	case answer != nil && answer.StatusCode != http.StatusSwitchingProtocols:
		return nil, &UpgradeError{Status: answer.StatusCode}
	}
	if failure, ok := errors.AsType[*url.Error](err); ok {
		return nil, failure.Err // without the address
	}
	return nil, err
}

// address adds what the protocol adds to a base address.
func address(base *url.URL) string {
	target := base.JoinPath("socket.io/")
	target.RawQuery = url.Values{"EIO": {"4"}, "transport": {"websocket"}}.Encode()
	return target.String()
}

// transport is for one request. It notices that a connection cannot be taken over before that is tried, and closes it when the
// context ends: whoever takes it over reads from it, and does not look at the context if something is wrong.
type transport struct {
	next http.RoundTripper
	stop func() bool // nil before there is a connection
}

// RoundTrip sends the request for a websocket.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	next := t.next
	if next == nil {
		next = http.DefaultTransport
	}
	answer, err := next.RoundTrip(r)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		return answer, err
	}
	body := answer.Body
	if _, ok := body.(io.ReadWriteCloser); !ok {
		return nil, errors.Join(ErrWrapped, body.Close())
	}
	t.stop = context.AfterFunc(r.Context(), func() { _ = body.Close() }) // it is given up
	return answer, nil
}

// release leaves the connection to whoever has taken it over.
func (t *transport) release() {
	if t.stop != nil {
		t.stop()
	}
}

// shakeHands learns the heartbeat and connects the namespace. Nothing else may be sent before it is connected: the server
// would break the connection without a word.
func (c *Conn) shakeHands(ctx context.Context) error {
	frame, err := c.frame(ctx)
	if err != nil {
		return err
	}
	hello := decode(frame)
	if hello.kind != opened {
		return errors.New("the server does not begin as the protocol demands: is this the address of an event socket?")
	}
	if c.silence, err = heartbeat(hello.data); err != nil {
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
		if p.kind == connected {
			return checkSession(p.data)
		}
	}
}

// heartbeat returns after how much silence the server is gone.
func heartbeat(data []byte) (time.Duration, error) {
	var hello struct {
		PingInterval float64 `json:"pingInterval"`
		PingTimeout  float64 `json:"pingTimeout"`
	}
	if err := json.Unmarshal(data, &hello); err != nil {
		return 0, errors.New("the server begins with a packet that cannot be read")
	}
	for _, value := range []float64{hello.PingInterval, hello.PingTimeout} {
		if value < 1 || value > float64(maxHeartbeat.Milliseconds()) {
			return 0, fmt.Errorf("the server announces a heartbeat of %v ms", value)
		}
	}
	return time.Duration((hello.PingInterval + hello.PingTimeout) * float64(time.Millisecond)), nil
}

// checkSession refuses servers of the generation before, which connect the namespace without being asked and without an id.
func checkSession(data []byte) error {
	var session struct {
		ID string `json:"sid"`
	}
	if json.Unmarshal(data, &session) != nil || session.ID == "" {
		return ErrOldServer
	}
	return nil
}
