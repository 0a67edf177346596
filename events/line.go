package events

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
	"github.com/cloudconvert/cloudconvert-go/internal/sio"
)

// supervise keeps a line: it calls, listens, and calls again when the line breaks.
func (c *Client) supervise(l *line) {
	defer l.cancel()
	for failures := 0; ; failures++ {
		conn, err := c.call(l)
		if err == nil {
			begin := time.Now()
			err = c.listen(l, conn)
			if time.Since(begin) >= c.cfg.backoff.Longest {
				failures = 0 // one that ends soon is as bad as none
			}
		}
		if l.ctx.Err() != nil || c.hasEnded(l) {
			return
		}
		err = lineError(c.discreet(l, err))
		if sio.IsPermanent(err) {
			c.cfg.logger.LogAttrs(l.ctx, slog.LevelError, "cloudconvert: events: there can be no line", slog.Any("error", err))
			c.fail(l, err)
			return
		}
		c.lose(l, err)
		pause := c.cfg.backoff.Random(failures)
		c.cfg.logger.LogAttrs(l.ctx, slog.LevelWarn, "cloudconvert: events: no line", slog.Any("error", err), slog.Duration("pause", pause))
		if poll.Pause(l.ctx, pause) != nil {
			return
		}
	}
}

// call makes a connection.
func (c *Client) call(l *line) (*sio.Conn, error) {
	return sio.Dial(l.ctx, sio.Config{
		URL: c.cfg.url, UserAgent: c.lent.UserAgent, Transport: c.cfg.transport, ReadLimit: c.cfg.readLimit,
	})
}

// listen joins all channels and passes on what comes, until the connection ends.
func (c *Client) listen(l *line, conn *sio.Conn) error {
	if !c.attach(l, conn) {
		conn.Cut() // a goodbye takes somebody who reads the answer
		return sio.ErrClosed
	}
	c.cfg.logger.LogAttrs(l.ctx, slog.LevelDebug, "cloudconvert: events: the line is there")
	ctx, cancel := context.WithCancel(l.ctx)
	var joining sync.WaitGroup
	joining.Go(func() { (&joiner{c, l, conn}).run(ctx) })
	defer joining.Wait()
	defer cancel()
	for {
		event, err := conn.Next()
		if err != nil {
			return err
		}
		c.dispatch(l, event)
	}
}

// attach makes a connection the one of a line, unless that has ended. All rooms have to be joined.
func (c *Client) attach(l *line, conn *sio.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.ended {
		return false
	}
	for _, r := range c.rooms {
		r.reset(c.lost)
	}
	l.conn, c.lost = conn, nil
	return true
}

func (c *Client) hasEnded(l *line) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return l.ended
}

// lose notes that there is no connection any more.
func (c *Client) lose(l *line, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.ended {
		return
	}
	if l.conn != nil {
		c.ignored += l.conn.Skipped()
	}
	l.conn, c.lost = nil, err
	for name, r := range c.rooms {
		r.state = absent
		if len(r.members) == 0 {
			delete(c.rooms, name)
		}
	}
}

// dispatch passes an event on to those who listen to its channel.
func (c *Client) dispatch(l *line, e sio.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	channel, _ := e.Text(0)
	r := c.rooms[channel]
	switch {
	case l.ended:
	case r == nil, Name(e.Name) == Resync: // that name is for this package
		c.ignored++
	case e.Name == "subscription_error":
		c.refuse(l, r, statusOf(e))
	case r.state == absent:
		c.ignored++ // it comes of a join before, and nobody was told of the next one yet
	default:
		r.prove()
		r.tell(Event{Name: Name(e.Name), Channel: channel, Data: dataOf(e)})
	}
}

// dataOf is the second argument of an event.
func dataOf(e sio.Event) json.RawMessage {
	if len(e.Args) < 2 {
		return nil
	}
	return e.Args[1]
}

// statusOf is the second argument of an error, which may be a number or a text of one.
func statusOf(e sio.Event) int {
	status, err := strconv.Atoi(string(bytes.Trim(dataOf(e), `"`)))
	if err != nil {
		return 0
	}
	return status
}
