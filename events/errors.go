package events

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/sio"
)

// ErrClosed means that the subscription, or the whole client, was closed.
var ErrClosed = errors.New("cloudconvert: events: closed")

// errNotTaken is the reason of a gap that the program has made.
var errNotTaken = errors.New("cloudconvert: events: too many events were not taken in time, and dropped")

// SubscriptionError is a channel that the service did not let this program
// join. It matches [cloudconvert.ErrUnauthorized], [cloudconvert.ErrForbidden]
// or [cloudconvert.ErrNotFound], if one of them says what is wrong.
type SubscriptionError struct {
	// Channel is the full name of the channel.
	Channel string
	// Status is the HTTP status that the service gives as its reason, 0 if it
	// could not find out.
	Status int
}

// Error names the channel and the status.
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

// discretion is how many tokens a line keeps secret: those that were sent last.
const discretion = 16

// keepSecret notes a token that is about to be sent. It needs the lock of the client.
func (l *line) keepSecret(token string) {
	if slices.ContainsFunc(l.secrets, func(s secret) bool { return s.value() == token }) {
		return
	}
	l.secrets = append(l.secrets, newSecret(token))
	l.secrets = l.secrets[max(0, len(l.secrets)-discretion):]
}

// discreet returns an error without the tokens that were sent on a line, since the server may have repeated them.
func (c *Client) discreet(l *line, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := err.Error()
	if refused, ok := errors.AsType[*sio.RefusedError](err); ok {
		return &sio.RefusedError{Message: l.hide(refused.Message)}
	}
	if hidden := l.hide(text); hidden != text {
		return errors.New(hidden) // what it wraps is not hidden
	}
	return err
}

// hide replaces tokens by dots, also if only their beginning is there: a server has not always room for all.
func (l *line) hide(text string) string {
	const telling = 16 // shorter beginnings tell nothing
	for _, s := range l.secrets {
		token := s.value()
		for n := len(token); n == len(token) || n >= telling; n-- {
			text = strings.ReplaceAll(text, token[:n], "...")
		}
	}
	return text
}

// lineError adds to a failure of the line what can be done about it.
func lineError(err error) error {
	switch {
	case errors.Is(err, sio.ErrTooBig):
		return fmt.Errorf("cloudconvert: events: %w: raise it with WithReadLimit", err)
	case errors.Is(err, sio.ErrWrapped):
		return fmt.Errorf("cloudconvert: events: %w: give a client with a plain transport to WithHTTPClient", err)
	default:
		return fmt.Errorf("cloudconvert: events: %w", err)
	}
}
