package cloudconvert

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// RateLimit is what the service last said about its limits. Only creating jobs
// and tasks is limited, and the limit changes with the load of the service.
type RateLimit struct {
	// Limit is the number of requests allowed in a window, whose length the
	// service does not tell.
	Limit int
	// Remaining is the number of requests left in the window.
	Remaining int
	// RetryAfter is how long to wait, after a refusal. 0 otherwise.
	RetryAfter time.Duration
	// At is when the answer came.
	At time.Time
}

// parseRateLimit reads the rate-limit headers, all of which are optional. It
// reports false if there are none and the request was not refused for a limit.
func parseRateLimit(answer engine.Outcome, now time.Time) (RateLimit, bool) {
	limit, hasLimit := count(answer.Header.Get("X-Ratelimit-Limit"))
	remaining, hasRemaining := count(answer.Header.Get("X-Ratelimit-Remaining"))
	refused := answer.Status == http.StatusTooManyRequests
	if !hasLimit && !hasRemaining && !refused {
		return RateLimit{}, false
	}
	seen := RateLimit{Limit: limit, Remaining: remaining, At: now}
	if refused {
		seen.RetryAfter, _ = engine.RetryAfter(answer.Header, now)
	}
	return seen, true
}

// count reads a number that is not negative.
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

func (m *limitMemory) observe(answer engine.Outcome) {
	limit, ok := parseRateLimit(answer, time.Now())
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
