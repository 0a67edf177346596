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
	// MinWait is the longest that the first pause may be. The bound doubles with each
	// further pause, up to MaxWait.
	MinWait, MaxWait time.Duration
	// MaxRetryAfter bounds the pause that a response may ask for.
	MaxRetryAfter time.Duration
}

// After returns the pause after an attempt that failed, with n failures before it: what
// the response asks for, or else a random part of the bound.
func (p Pauses) After(header http.Header, n int) time.Duration {
	backoff := poll.Backoff{First: p.MinWait, Longest: p.MaxWait}
	jitter := rand.N(max(backoff.Ceiling(n), 1))
	asked, ok := RetryAfter(header, time.Now())
	if !ok {
		return jitter
	}
	// A little jitter keeps many clients from coming back at the same moment.
	return min(asked, p.MaxRetryAfter) + min(jitter, time.Second)
}

// RetryAfter reads the header of that name, which gives seconds or a date. It
// reports false if there is none or it makes no sense. A date is compared with that
// of the response, since the clock of this machine may be wrong.
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

// isPlausible reports whether a server with a clock can have asked for a wait of
// this length, on an occasion that may be over.
func isPlausible(wait time.Duration) bool { return -24*time.Hour <= wait && wait <= maxRetryAfter }

// maxRetryAfter keeps nonsense from overflowing a duration.
const maxRetryAfter = 365 * 24 * time.Hour
