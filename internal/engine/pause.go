package engine

import (
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// Pauses bounds the pauses between attempts.
type Pauses struct {
	// MinWait bounds the first pause. The bound doubles with each further pause, up to
	// MaxWait.
	MinWait, MaxWait time.Duration
	// MaxRetryAfter bounds the pause that a response may ask for.
	MaxRetryAfter time.Duration
}

// After returns the pause after a failed attempt, the first of which has n = 0. It is
// random, up to the bound. If the response asks for a pause, it is that pause with jitter
// of at most a second.
func (p Pauses) After(header http.Header, n int) time.Duration {
	backoff := poll.Backoff{First: p.MinWait, Longest: p.MaxWait}
	jitter := rand.N(max(backoff.Ceiling(n), 1))
	asked, ok := RetryAfter(header, time.Now())
	if !ok {
		return jitter
	}
	// Jitter keeps many clients from retrying at the same moment.
	return min(asked, p.MaxRetryAfter) + min(jitter, time.Second)
}

// RetryAfter parses the Retry-After header, which holds seconds or a date. It reports
// false if the header is missing or invalid. A date is compared with the Date of the
// response, because the local clock may be wrong.
func RetryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if seconds < 0 || math.IsNaN(seconds) {
			return 0, false
		}
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second)), true
	}
	if date, err := http.ParseTime(value); err == nil {
		if sent, err := http.ParseTime(header.Get("Date")); err == nil && isPlausible(date.Sub(sent)) {
			now = sent
		}
		return min(max(date.Sub(now), 0), maxRetryAfter), true
	}
	return 0, false
}

// isPlausible reports whether a server with a working clock may have sent a Retry-After
// date that differs from its Date by wait. The date may be past.
func isPlausible(wait time.Duration) bool { return -24*time.Hour <= wait && wait <= maxRetryAfter }

// maxRetryAfter keeps large values from overflowing a duration.
const maxRetryAfter = 365 * 24 * time.Hour
