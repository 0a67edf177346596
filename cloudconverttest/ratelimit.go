package cloudconverttest

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// rateLimiter counts creations in windows of fixed length.
type rateLimiter struct {
	mu   sync.Mutex
	ends time.Time
	used int
}

// take counts a creation. It returns how many are left in the window, or how long the
// window still lasts if none was left.
func (l *rateLimiter) take(limit int, window time.Duration, now time.Time) (left int, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.ends) {
		l.ends, l.used = now.Add(window), 0
	}
	if l.used >= limit {
		return 0, l.ends.Sub(now)
	}
	l.used++
	return limit - l.used, 0
}

// throttle returns a 429 if a creation exceeds the limit.
func (c *call) throttle() error {
	limit := c.s.cfg.rateLimit
	if limit <= 0 {
		return nil
	}
	left, wait := c.s.limits.take(limit, c.s.cfg.rateWindow, c.s.clock.Now())
	header := http.Header{}
	header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	if wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		header.Set("Retry-After", strconv.Itoa(seconds))
		return &apiError{
			status: http.StatusTooManyRequests, code: "TOO_MANY_REQUESTS", message: "Too Many Attempts.", header: header,
		}
	}
	if c.sync {
		return nil // the sync host sends no headers
	}
	maps.Copy(c.w.Header(), header)
	return nil
}
