package limits

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Rate counts creations in windows of fixed length. A window begins with the first
// creation after the end of the last one. A limit of zero means no limit.
type Rate struct {
	Limit  int
	Window time.Duration

	mu   sync.Mutex
	ends time.Time
	used int
}

// Take counts a creation and returns the headers of its response. It returns false if the
// creation exceeds the limit.
func (l *Rate) Take(now time.Time) (http.Header, bool) {
	header := http.Header{}
	if l.Limit <= 0 {
		return header, true
	}
	left, wait := l.take(now)
	header.Set("X-RateLimit-Limit", strconv.Itoa(l.Limit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	if wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		header.Set("Retry-After", strconv.Itoa(seconds))
	}
	return header, wait == 0
}

// take returns how many creations are left in the window, or how long the window still
// lasts if none was left.
func (l *Rate) take(now time.Time) (left int, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.ends) {
		l.ends, l.used = now.Add(l.Window), 0
	}
	if l.used >= l.Limit {
		return 0, l.ends.Sub(now)
	}
	l.used++
	return l.Limit - l.used, 0
}
