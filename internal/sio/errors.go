package sio

import (
	"errors"
	"fmt"
	"net/http"
)

var (
	// ErrOldServer means that the server speaks an older protocol.
	ErrOldServer = errors.New("the server speaks the protocol of Socket.IO 2, and this package only that of Socket.IO 3 and 4")
	// ErrWrapped means that the transport hides the connection behind the response body.
	ErrWrapped = errors.New("the HTTP transport wraps response bodies, which makes websockets impossible")
	// ErrTooBig means that a message exceeds the read limit.
	ErrTooBig = errors.New("the server sent a message that is larger than the read limit")
	// ErrEnded means that the server ended the connection in the way of the protocol.
	ErrEnded = errors.New("the server ended the connection")
	// ErrSilent means that the server sent nothing for longer than its heartbeat allows.
	ErrSilent = errors.New("the server was silent")
	// ErrClosed means that this side closed the connection.
	ErrClosed = errors.New("the connection is closed")
)

// UpgradeError is a response other than 101 to the request for a websocket.
type UpgradeError struct{ Status int }

// Error returns the status.
func (e *UpgradeError) Error() string {
	return fmt.Sprintf("the server responded to the request for a websocket with %d %s", e.Status, http.StatusText(e.Status))
}

// RefusedError means that the server refused to connect the namespace.
type RefusedError struct{ Message string }

// Error returns the message of the server.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the server refused the connection: %q", e.Message)
}

// IsPermanent reports whether another attempt would fail in the same way.
func IsPermanent(err error) bool {
	if errors.Is(err, ErrOldServer) || errors.Is(err, ErrWrapped) {
		return true
	}
	if _, refused := errors.AsType[*RefusedError](err); refused {
		return true
	}
	upgrade, ok := errors.AsType[*UpgradeError](err)
	return ok && !IsTemporary(upgrade.Status) && upgrade.Status >= 400 && upgrade.Status < 500
}

// IsTemporary reports whether a later attempt may get another status.
func IsTemporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return status >= http.StatusInternalServerError || status < http.StatusContinue
	}
}
