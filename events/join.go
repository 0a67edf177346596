package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
	"github.com/cloudconvert/cloudconvert-go/internal/sio"
)

const (
	// pace is the pause between two joins. Each makes the service authorize somebody.
	pace = 10 * time.Millisecond
	// idle is how long to wait if there is nothing to do.
	idle = time.Hour
)

// wish is the argument of a join. To leave takes no token.
type wish struct {
	Channel string `json:"channel"`
	Auth    *auth  `json:"auth,omitempty"`
}

type auth struct {
	Headers map[string]string `json:"headers"`
}

// joiner joins the rooms that somebody has entered and leaves those that everybody has left, on one connection and one after
// the other, so that nothing overtakes anything.
type joiner struct {
	client *Client
	line   *line
	conn   *sio.Conn
}

// run works until the connection or the line ends.
func (j *joiner) run(ctx context.Context) {
	for ctx.Err() == nil {
		r, pause := j.next()
		if r == nil {
			j.rest(ctx, pause)
			continue
		}
		if err := j.attend(ctx, r); err != nil {
			j.conn.Cut()
			return
		}
		_ = poll.Pause(ctx, pace) // the context is looked at above
	}
}

// rest waits for a time or until there may be something to do.
func (j *joiner) rest(ctx context.Context, d time.Duration) {
	_, _ = poll.PauseOr(ctx, j.line.changed, d) // the caller looks at the context
}

// next returns the room to be joined or left next, or else how long there is nothing to do.
func (j *joiner) next() (*room, time.Duration) {
	c := j.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.line.ended {
		return nil, idle
	}
	var next *room
	now, pause := time.Now(), idle
	for _, r := range c.rooms {
		left := r.due.Sub(now)
		switch {
		case (len(r.members) == 0) != (r.state == joined):
		case r.state == absent && left > 0:
			pause = min(pause, left)
		case next == nil || r.number < next.number:
			next = r
		}
	}
	return next, pause
}

// attend joins or leaves a room.
func (j *joiner) attend(ctx context.Context, r *room) error {
	if j.abandon(r) {
		return j.conn.Emit("unsubscribe", wish{Channel: r.channel})
	}
	token, err := j.client.lent.Token(ctx, j.refused(r))
	if err != nil {
		j.lack(ctx, r, err)
		return nil
	}
	if !j.announce(r, token) {
		return nil
	}
	authorization := map[string]string{"Authorization": "Bearer " + token}
	if err := j.conn.Emit("subscribe", wish{Channel: r.channel, Auth: &auth{Headers: authorization}}); err != nil {
		return err
	}
	j.client.mu.Lock()
	defer j.client.mu.Unlock()
	r.arrive()
	return nil
}

// abandon forgets a room that everybody has left. It reports false if there is somebody.
func (j *joiner) abandon(r *room) bool {
	c := j.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.line.ended || len(r.members) > 0 || c.rooms[r.channel] != r {
		return false
	}
	delete(c.rooms, r.channel)
	return true
}

func (j *joiner) refused(r *room) string {
	j.client.mu.Lock()
	defer j.client.mu.Unlock()
	return r.refused.value()
}

// lack is called when there is no token to join a room with.
func (j *joiner) lack(ctx context.Context, r *room, err error) {
	if ctx.Err() != nil {
		return // nobody waits for one any more
	}
	c := j.client
	told := c.discreet(j.line, err)
	c.cfg.logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: events: no token", slog.String("channel", r.channel), slog.Any("error", told))
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !j.expected(r):
	case errors.Is(err, cloudconvert.ErrUnauthorized):
		c.shut(r, fmt.Errorf("cloudconvert: events: joining %s: %w", r.channel, err))
	default:
		r.postpone(told, c.cfg.backoff.Random(r.failures))
	}
}

// expected reports whether there is still somebody in a room. It needs the lock.
func (j *joiner) expected(r *room) bool {
	return !j.line.ended && j.client.rooms[r.channel] == r && len(r.members) > 0
}

// announce tells the members of a room that it is about to be joined with a token. It reports false if it is not.
func (j *joiner) announce(r *room, token string) bool {
	c := j.client
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !j.expected(r):
		return false
	case token == r.refused.value():
		c.shut(r, r.cause)
		return false
	}
	j.line.keepSecret(token)
	r.announce(token)
	return true
}

// refuse is called when the service does not let this program join a room. It needs the lock.
func (c *Client) refuse(l *line, r *room, status int) {
	if r.state == absent {
		return // it is about a join before
	}
	err := &SubscriptionError{Channel: r.channel, Status: status}
	switch {
	case len(r.members) == 0:
		delete(c.rooms, r.channel) // whoever was not let in need not leave
	case sio.IsPassing(status):
		r.postpone(err, c.cfg.backoff.Random(r.failures))
	case status == http.StatusUnauthorized && r.refused == nil:
		// A token that was revoked is replaced once, as with every other request.
		r.postpone(err, 0)
		r.refused = r.used
	default:
		c.shut(r, err)
	}
	signal(l.changed)
}

// shut ends a room that cannot be joined. It needs the lock.
func (c *Client) shut(r *room, err error) {
	delete(c.rooms, r.channel)
	r.dismiss(err)
	if c.line != nil && !c.listened() {
		c.line.linger.Reset(linger)
	}
}
