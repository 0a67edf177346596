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
	box     *mailbox
	member  *member
}

// Subscribe joins a channel. It returns when the line is there and the request to
// join was sent. The service grants or refuses that later, so a nil error does not
// prove success. Two subscriptions to one channel share a join, and each gets all
// events.
//
// The context bounds this call only. If it ends before the request could be sent,
// the error says why: there is no connection, or no token.
func (c *Client) Subscribe(ctx context.Context, channel Channel) (*Subscription, error) {
	s := &Subscription{client: c, channel: channel, box: newMailbox(c.cfg.buffer)}
	member, err := c.enter(channel, s.box) //nolint:contextcheck // the line outlives the call
	if err != nil {
		return nil, err
	}
	s.member = member
	if err := c.wait(ctx, member); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.box.ended(); err != nil {
		return nil, err
	}
	return s, nil
}

// wait waits until the wish to join was sent.
func (c *Client) wait(ctx context.Context, m *member) error {
	select {
	case <-m.settled:
		return nil
	case <-ctx.Done():
	}
	if failure := c.Err(); failure != nil {
		return fmt.Errorf("cloudconvert: events: no line yet: %w (%w)", ctx.Err(), failure)
	}
	if failure := c.obstacle(m); failure != nil {
		return fmt.Errorf("cloudconvert: events: not joined yet: %w (%w)", ctx.Err(), failure)
	}
	return fmt.Errorf("cloudconvert: events: not joined yet: %w", ctx.Err())
}

// Channel is what was subscribed to.
func (s *Subscription) Channel() Channel { return s.channel }

// Next returns the next event. The first one is a [Resync].
//
// The error is that of the context, [ErrClosed], a [*SubscriptionError] if the
// service has refused the join, or the reason why there can be no line. After any
// error but that of the context, no more events come.
func (s *Subscription) Next(ctx context.Context) (Event, error) { return s.box.take(ctx) }

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

// Dropped returns how many events were dropped because the program did not take
// them in time. Those that tell of progress are dropped first, the oldest before the
// others, when there are more than [WithBuffer] says. Ends of jobs and tasks are kept
// up to 4096, and 16 MiB of all events: what exceeds that makes a [Resync] of all of
// them.
func (s *Subscription) Dropped() int64 { return s.box.lost() }

// Close ends the subscription. It does not wait for the service. A second Close
// does nothing.
func (s *Subscription) Close() {
	s.client.leave(s.member)
	s.box.end(ErrClosed)
	s.box.empty()
}
