// Package clock is the time of a server, which a test can move.
package clock

import (
	"sync/atomic"
	"time"
)

// layout has second precision and a numeric offset.
const layout = "2006-01-02T15:04:05+00:00"

// Clock is the time of the machine, or of the synctest bubble, plus the durations of
// Advance. The zero value is ready to use.
type Clock struct{ offset atomic.Int64 }

// Now returns the time.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// Advance moves the clock forward. Timers are not affected.
func (c *Clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// Timestamp returns a time as the API writes it.
func Timestamp(t time.Time) string { return t.UTC().Format(layout) }

// TimestampOrNull returns nil for the zero time.
func TimestampOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(Timestamp(t))
}
