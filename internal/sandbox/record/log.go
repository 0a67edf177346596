// Package record keeps the newest requests to a server, without keys and credentials.
package record

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Request is a request to the server. The public type of the same name describes the
// fields.
type Request struct {
	Method, Role, Path string
	Query              url.Values
	Header             http.Header
	ContentLength      int64
	Body               []byte
	Status             int
	Time               time.Time
}

// New returns the record of a request, without its body.
func New(role string, r *http.Request, now time.Time) *Request {
	return &Request{
		Method:        r.Method,
		Role:          role,
		Path:          r.URL.Path,
		Query:         query(r.URL.Query()),
		Header:        header(r.Header),
		ContentLength: r.ContentLength,
		Time:          now,
	}
}

// Log has the newest requests.
type Log struct {
	mu      sync.Mutex
	limit   int
	entries []*Request
}

// NewLog returns a log that keeps the newest requests, up to limit.
func NewLog(limit int) *Log { return &Log{limit: limit} }

// Add adds a request.
func (l *Log) Add(r *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit == 0 {
		return
	}
	if len(l.entries) >= 2*l.limit {
		l.entries = slices.Clone(l.entries[len(l.entries)-l.limit:])
	}
	l.entries = append(l.entries, r)
}

// Responded sets the status of a request.
func (l *Log) Responded(r *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Status = status
}

// All returns copies of the requests, the oldest first.
func (l *Log) All() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	newest := l.entries[max(0, len(l.entries)-l.limit):]
	out := make([]Request, len(newest))
	for i, r := range newest {
		out[i] = *r
		out[i].Query, out[i].Header, out[i].Body = cloneValues(r.Query), r.Header.Clone(), slices.Clone(r.Body)
	}
	return out
}

func cloneValues(v url.Values) url.Values { return url.Values(http.Header(v).Clone()) }
