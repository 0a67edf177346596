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
	// joinPause is the pause between two joins: the service authorizes each one.
	joinPause = 10 * time.Millisecond
	// maxPause is the pause if there is nothing to join or leave.
	maxPause = time.Hour
)

// joinRequest is the argument of the events "subscribe" and "unsubscribe". The latter has
// no token.
type joinRequest struct {
	Channel string `json:"channel"`
	Auth    *auth  `json:"auth,omitempty"`
}

type auth struct {
	Headers map[string]string `json:"headers"`
}

// joiner joins the channels that have members and leaves those that have none, on one
// socket. It does so one by one, so that no request overtakes another.
type joiner struct {
	client *Client
	conn   *connection
	socket *sio.Conn
}

// run ends with the context or with the socket.
func (j *joiner) run(ctx context.Context) {
	for ctx.Err() == nil {
		ch, pause := j.next()
		if ch == nil {
			_, _ = poll.PauseOr(ctx, j.conn.changed, pause) // the loop checks the context
			continue
		}
		if err := j.joinOrLeave(ctx, ch); err != nil {
			j.socket.CloseNow()
			return
		}
		_ = poll.Pause(ctx, joinPause) // the loop checks the context
	}
}

// next returns the channel to be joined or left next. If there is none, it returns nil
// and a pause.
func (j *joiner) next() (*channelState, time.Duration) {
	c := j.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.conn.ended {
		return nil, maxPause
	}
	var next *channelState
	now, pause := time.Now(), maxPause
	for _, ch := range c.channels {
		left := ch.due.Sub(now)
		switch {
		case (len(ch.members) == 0) != (ch.join == joined):
		case ch.join == notJoined && left > 0:
			pause = min(pause, left)
		case next == nil || ch.number < next.number:
			next = ch
		}
	}
	return next, pause
}

func (j *joiner) joinOrLeave(ctx context.Context, ch *channelState) error {
	if j.remove(ch) {
		return j.socket.Emit("unsubscribe", joinRequest{Channel: ch.name})
	}
	token, err := j.client.access.Token(ctx, j.refusedToken(ch))
	if err != nil {
		j.tokenFailed(ctx, ch, err)
		return nil
	}
	if !j.beginJoin(ch, token) {
		return nil
	}
	authorization := map[string]string{"Authorization": "Bearer " + token}
	if err := j.socket.Emit("subscribe", joinRequest{Channel: ch.name, Auth: &auth{Headers: authorization}}); err != nil {
		return err
	}
	j.client.mu.Lock()
	defer j.client.mu.Unlock()
	ch.endJoin()
	return nil
}

// remove removes a channel without members. It returns false if there are any.
func (j *joiner) remove(ch *channelState) bool {
	c := j.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.conn.ended || len(ch.members) > 0 || c.channels[ch.name] != ch {
		return false
	}
	delete(c.channels, ch.name)
	return true
}

func (j *joiner) refusedToken(ch *channelState) string {
	j.client.mu.Lock()
	defer j.client.mu.Unlock()
	return ch.refused.value()
}

// tokenFailed handles an error of the token source.
func (j *joiner) tokenFailed(ctx context.Context, ch *channelState, err error) {
	if ctx.Err() != nil {
		return
	}
	c := j.client
	redacted := c.redactError(j.conn, err)
	c.cfg.logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: events: no token", slog.String("channel", ch.name), slog.Any("error", redacted))
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !j.wanted(ch):
	case errors.Is(err, cloudconvert.ErrUnauthorized):
		c.endChannel(ch, fmt.Errorf("cloudconvert: events: joining %s: %w", ch.name, err))
	default:
		ch.retry(redacted, backoff.Random(ch.failures))
	}
}

// wanted reports whether a channel still has members. The caller holds Client.mu.
func (j *joiner) wanted(ch *channelState) bool {
	return !j.conn.ended && j.client.channels[ch.name] == ch && len(ch.members) > 0
}

// beginJoin prepares a channel for a join request. It returns false if none is to be
// sent.
func (j *joiner) beginJoin(ch *channelState, token string) bool {
	c := j.client
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !j.wanted(ch):
		return false
	case token == ch.refused.value(): // there is no other token
		c.endChannel(ch, ch.cause)
		return false
	}
	j.conn.addToken(token)
	ch.beginJoin(token)
	return true
}

// joinRefused handles a refusal by the service. The caller holds c.mu.
func (c *Client) joinRefused(cn *connection, ch *channelState, status int) {
	if ch.join == notJoined {
		return // the refusal belongs to an earlier join
	}
	err := &SubscriptionError{Channel: ch.name, Status: status}
	switch {
	case len(ch.members) == 0:
		delete(c.channels, ch.name) // no "unsubscribe": the channel was not joined
	case sio.IsTemporary(status):
		ch.retry(err, backoff.Random(ch.failures))
	case status == http.StatusUnauthorized && ch.refused == nil:
		// A revoked token is replaced once, as in any other request.
		ch.retry(err, 0)
		ch.refused = ch.used
	default:
		c.endChannel(ch, err)
	}
	signal(cn.changed)
}

// endChannel ends the subscriptions to a channel that cannot be joined. The caller holds
// c.mu.
func (c *Client) endChannel(ch *channelState, err error) {
	delete(c.channels, ch.name)
	ch.end(err)
	if c.conn != nil && !c.subscribed() {
		c.conn.idle.Reset(idleTimeout)
	}
}
