package events

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/sio"
)

// ErrClosed means that the subscription, or the whole client, was closed.
var ErrClosed = errors.New("cloudconvert: events: closed")

var errDropped = errors.New("cloudconvert: events: events were dropped: the program did not read them in time")

// SubscriptionError means that the service refused to let this program join a
// channel. It matches [cloudconvert.ErrUnauthorized], [cloudconvert.ErrForbidden]
// or [cloudconvert.ErrNotFound] by its status.
type SubscriptionError struct {
	// Channel is the full name of the channel.
	Channel string
	// Status is the HTTP status that the service gives as its reason. It is 0 if
	// the service could not decide.
	Status int
}

// Error returns the channel and the status.
func (e *SubscriptionError) Error() string {
	return fmt.Sprintf("cloudconvert: events: joining %s was refused: %d %s", e.Channel, e.Status, http.StatusText(e.Status))
}

// Is matches the sentinel error of the status.
func (e *SubscriptionError) Is(target error) bool {
	switch e.Status {
	case http.StatusUnauthorized:
		return target == cloudconvert.ErrUnauthorized
	case http.StatusForbidden:
		return target == cloudconvert.ErrForbidden
	case http.StatusNotFound:
		return target == cloudconvert.ErrNotFound
	default:
		return false
	}
}

// connectionError adds to an error of the connection what can be done about it.
func connectionError(err error) error {
	switch {
	case errors.Is(err, sio.ErrTooBig):
		return fmt.Errorf("cloudconvert: events: %w: raise it with WithReadLimit", err)
	case errors.Is(err, sio.ErrWrapped):
		return fmt.Errorf("cloudconvert: events: %w: give a client with a plain transport to WithHTTPClient", err)
	default:
		return fmt.Errorf("cloudconvert: events: %w", err)
	}
}
