// Package record keeps the newest requests to a server, without keys and credentials.
package record

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/newest"
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

// maxSize is the total size of the requests that a log keeps.
const maxSize = 64 << 20

// Log has the newest requests.
type Log struct {
	mu       sync.Mutex
	requests newest.Values[*Request]
}

// NewLog returns a log that keeps the newest requests, up to limit and 64 MiB.
func NewLog(limit int) *Log {
	return &Log{requests: newest.Values[*Request]{Limit: limit, MaxSize: maxSize, Size: (*Request).size}}
}

// size returns roughly the size of a request in memory.
func (r *Request) size() int {
	return len(r.Path) + len(r.Body) + sizeOf(r.Header) + sizeOf(r.Query)
}

func sizeOf(fields map[string][]string) int {
	const entry, text = 64, 16 // roughly what a map entry and a string take besides their bytes
	n := 0
	for name, values := range fields {
		n += entry + len(name)
		for _, v := range values {
			n += text + len(v)
		}
	}
	return n
}

// Add adds a request.
func (l *Log) Add(r *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests.Add(r)
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
	out := make([]Request, l.requests.Len())
	for i, r := range l.requests.All() {
		out[i] = *r
		out[i].Query, out[i].Header, out[i].Body = cloneValues(r.Query), r.Header.Clone(), slices.Clone(r.Body)
	}
	return out
}

func cloneValues(v url.Values) url.Values { return url.Values(http.Header(v).Clone()) }
