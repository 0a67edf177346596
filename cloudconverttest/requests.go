package cloudconverttest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Role is what a host of the service is for. One server plays them all.
type Role string

// The roles.
const (
	RoleAPI     Role = "api"     // the asynchronous API
	RoleSync    Role = "sync"    // the API that answers when the job or task has ended
	RoleStorage Role = "storage" // uploads and downloads
	RoleOAuth   Role = "oauth"   // authorization and tokens
	RoleSigned  Role = "signed"  // signed URLs
	RoleEvents  Role = "events"  // the event socket; a request is a connection, and is answered when that has ended
)

// Request is a request the server has seen. Keys, signatures and credentials in
// it are replaced by "REDACTED".
type Request struct {
	Method string
	Role   Role
	Path   string // decoded, with /v2 where the API has it
	Query  url.Values
	Header http.Header
	// ContentLength is what the client announced, -1 if it did not.
	ContentLength int64
	// Body of a request to the API, with long strings shortened. It is empty
	// for uploads.
	Body []byte
	// Status is the HTTP status of the answer; 0 as long as there is none, and
	// for a request that was cut off.
	Status int
	// Time on the clock of the server when the request arrived.
	Time time.Time
}

// Requests returns the requests seen so far in the order of their arrival,
// including those that are still being answered and those that met a fault.
// Only the newest 10,000 are kept, see [WithRequestLog].
func (s *Server) Requests() []Request { return s.requests.all() }

type requestLog struct {
	mu      sync.Mutex
	limit   int
	entries []*Request
}

func (l *requestLog) add(r *Request) {
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

func (l *requestLog) answered(r *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Status = status
}

func (l *requestLog) all() []Request {
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

func newRequest(role Role, r *http.Request, now time.Time) *Request {
	return &Request{
		Method:        r.Method,
		Role:          role,
		Path:          r.URL.Path,
		Query:         redactQuery(r.URL.Query()),
		Header:        redactHeader(r.Header),
		ContentLength: r.ContentLength,
		Time:          now,
	}
}

const redacted = "REDACTED"

// secretQuery are query parameters and form fields that nobody should see again.
var secretQuery = []string{
	"s", "signature", "x-amz-signature", "x-amz-credential", "code", "access_token", "client_secret", "refresh_token",
	"x-amz-security-token", "temp_url_sig", "job",
}

func redactQuery(v url.Values) url.Values {
	for name := range v {
		if slices.Contains(secretQuery, strings.ToLower(name)) {
			v[name] = []string{redacted}
		}
	}
	return v
}

func redactHeader(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
		for i, v := range h[name] {
			h[name][i] = redactScheme(v)
		}
	}
	return h
}

// redactScheme keeps the first word of a header such as "Bearer key".
func redactScheme(v string) string {
	if scheme, _, ok := strings.Cut(v, " "); ok {
		return scheme + " " + redacted
	}
	return redacted
}
