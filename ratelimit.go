package cloudconvert

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// RateLimit is the rate limit that the service reported last. Only the creation
// of jobs and tasks is limited, and the limit depends on the load of the service.
type RateLimit struct {
	// Limit is the number of requests allowed in a window. The service does not
	// report the length of the window.
	Limit int
	// Remaining is the number of requests left in the window.
	Remaining int
	// RetryAfter is how long to wait after a 429 response, and 0 after other responses.
	RetryAfter time.Duration
	// At is when the response was received.
	At time.Time
}

// parseRateLimit reads the rate limit headers, which are all optional. It returns
// false if there are none and the status is not 429.
func parseRateLimit(outcome engine.Outcome, now time.Time) (RateLimit, bool) {
	limit, hasLimit := count(outcome.Header.Get("X-Ratelimit-Limit"))
	remaining, hasRemaining := count(outcome.Header.Get("X-Ratelimit-Remaining"))
	refused := outcome.Status == http.StatusTooManyRequests
	if !hasLimit && !hasRemaining && !refused {
		return RateLimit{}, false
	}
	seen := RateLimit{Limit: limit, Remaining: remaining, At: now}
	if refused {
		seen.RetryAfter, _ = engine.RetryAfter(outcome.Header, now)
	}
	return seen, true
}

// count parses a number that is not negative.
func count(value string) (int, bool) {
	n, err := strconv.ParseUint(value, 10, 31)
	return int(n), err == nil
}

// limitMemory keeps the last rate limit for [Client.RateLimit].
type limitMemory struct {
	mu   sync.Mutex
	last RateLimit
	seen bool
}

func (m *limitMemory) record(outcome engine.Outcome) {
	limit, ok := parseRateLimit(outcome, time.Now())
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last, m.seen = limit, true
}

func (m *limitMemory) get() (RateLimit, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last, m.seen
}
