package cloudconverttest

import (
	"sync/atomic"
	"time"
)

// timestamps have second precision and a numeric offset.
const timestampLayout = "2006-01-02T15:04:05+00:00"

// clock is the time of the machine, or of the synctest bubble, plus the durations of
// Advance.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// Advance moves the clock of the server forward by d. Jobs expire after 24 hours, and so
// do upload forms, download URLs, cached results, access tokens and rate limit windows.
// Timers are not affected: the duration of a task, of [WithUploadSettle] and of a webhook
// retry is real time, or the time of a testing/synctest bubble.
func (s *Server) Advance(d time.Duration) {
	s.clock.advance(max(d, 0))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
}

func timestamp(t time.Time) string { return t.UTC().Format(timestampLayout) }

func timestampOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(timestamp(t))
}
