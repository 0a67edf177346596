package events

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Subscription receives the events of a channel, in the order in which the
// service sends them. It is made by [Client.Subscribe] and should be closed. It
// is safe for concurrent use: each event goes to only one of several readers.
type Subscription struct {
	client  *Client
	channel Channel
	queue   *queue
	member  *member
}

// Subscribe joins a channel. It returns when the client is connected and has sent the
// join request. The service grants or refuses that later, so a nil error does not
// prove success. Two subscriptions to one channel share a join, and each gets all
// events.
//
// The context bounds only this call. If it ends before the request could be sent,
// the error says why: there is no connection, or no token.
func (c *Client) Subscribe(ctx context.Context, channel Channel) (*Subscription, error) {
	s := &Subscription{client: c, channel: channel, queue: newQueue(c.cfg.buffer)}
	member, err := c.enter(channel, s.queue) //nolint:contextcheck // the connection outlives the call
	if err != nil {
		return nil, err
	}
	s.member = member
	if err := c.wait(ctx, member); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.queue.ended(); err != nil {
		return nil, err
	}
	return s, nil
}

// wait waits until the join request was sent, or the subscription has ended.
func (c *Client) wait(ctx context.Context, m *member) error {
	select {
	case <-m.settled:
		return nil
	case <-ctx.Done():
	}
	if err := c.Err(); err != nil {
		return fmt.Errorf("cloudconvert: events: not connected: %w (%w)", ctx.Err(), err)
	}
	if err := c.joinError(m); err != nil {
		return fmt.Errorf("cloudconvert: events: not joined: %w (%w)", ctx.Err(), err)
	}
	return fmt.Errorf("cloudconvert: events: not joined: %w", ctx.Err())
}

// Channel returns the channel of the subscription.
func (s *Subscription) Channel() Channel { return s.channel }

// Next returns the next event. The first one is a [Resync].
//
// Events wait until the program reads them. If there are more than 256, the oldest progress
// events are dropped, since later ones supersede them. Up to 4096 ends of jobs and tasks
// are kept, and up to 16 MiB of all events. If there are more, a Resync replaces them all.
//
// The error is that of the context, [ErrClosed], a [*SubscriptionError] if the
// service refused the join, or the reason why the client cannot connect. After any
// error but that of the context, no more events come.
func (s *Subscription) Next(ctx context.Context) (Event, error) { return s.queue.next(ctx) }

// Events yields the events as they come. An error, see [Subscription.Next], is
// yielded once and ends the iteration. Closing the subscription ends it without
// an error.
func (s *Subscription) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			event, err := s.Next(ctx)
			if errors.Is(err, ErrClosed) || !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// Close ends the subscription. It does not wait for the service. A second Close
// does nothing.
func (s *Subscription) Close() {
	s.client.leave(s.member)
	s.queue.end(ErrClosed)
	s.queue.clear()
}
