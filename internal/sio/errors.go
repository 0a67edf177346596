package sio

import (
	"errors"
	"fmt"
	"net/http"
)

var (
	// ErrOldServer means that the server speaks an older protocol.
	ErrOldServer = errors.New("the server speaks the protocol of Socket.IO 2, and this package only that of Socket.IO 3 and 4")
	// ErrWrapped means that the transport hides the connection behind the answer's body.
	ErrWrapped = errors.New("the HTTP transport wraps the bodies of answers, which makes websockets impossible")
	// ErrTooBig means that the server sent more than the read limit allows.
	ErrTooBig = errors.New("the server sent a message that is larger than the read limit")
	// ErrEnded means that the server has ended the line.
	ErrEnded = errors.New("the server has ended the line")
	// ErrSilent means that the server has sent nothing for longer than its heartbeat allows.
	ErrSilent = errors.New("the server has fallen silent")
	// ErrClosed means that this side has ended the line.
	ErrClosed = errors.New("the line is closed")
)

// UpgradeError is an answer to the request for a websocket that is none.
type UpgradeError struct{ Status int }

// Error names the status.
func (e *UpgradeError) Error() string {
	return fmt.Sprintf("the server answered the request for a websocket with %d %s", e.Status, http.StatusText(e.Status))
}

// RefusedError is a server that does not let the client in.
type RefusedError struct{ Message string }

// Error returns what the server says.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the server refused the connection: %q", e.Message)
}

// IsPermanent reports whether a server that was called again would fail in the same way.
func IsPermanent(err error) bool {
	if errors.Is(err, ErrOldServer) || errors.Is(err, ErrWrapped) {
		return true
	}
	if _, refused := errors.AsType[*RefusedError](err); refused {
		return true
	}
	upgrade, ok := errors.AsType[*UpgradeError](err)
	return ok && !IsPassing(upgrade.Status) && upgrade.Status >= 400 && upgrade.Status < 500
}

// IsPassing reports whether a status says nothing about the next attempt.
func IsPassing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return status >= http.StatusInternalServerError || status < http.StatusContinue
	}
}
