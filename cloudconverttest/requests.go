package cloudconverttest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Role is the role of a host of the service. The server has all of them.
type Role string

// The roles of the service's hosts.
const (
	RoleAPI     Role = "api"     // the asynchronous API
	RoleSync    Role = "sync"    // the API that responds when the job or task has ended
	RoleStorage Role = "storage" // uploads and downloads
	RoleOAuth   Role = "oauth"   // authorization and tokens
	RoleSigned  Role = "signed"  // signed URLs
	RoleEvents  Role = "events"  // the event socket; a request lasts as long as its connection
)

// Request is a request to the server. Keys, signatures and credentials in it are replaced
// by "REDACTED".
type Request struct {
	Method string
	Role   Role
	Path   string // decoded, including /v2
	Query  url.Values
	Header http.Header
	// ContentLength is -1 if the client did not send it.
	ContentLength int64
	// Body is the body of a request to the API, with long strings shortened. It is
	// empty for uploads.
	Body []byte
	// Status is the status of the response. It is 0 before the response, and for a
	// request that got none.
	Status int
	// Time is the time of arrival on the clock of the server.
	Time time.Time
}

// Requests returns the requests in the order of their arrival, including those without a
// response yet and those with a fault. Only the newest 10,000 are kept, see
// [WithRequestLog].
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

func (l *requestLog) responded(r *Request, status int) {
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

// secretQuery are the query parameters and form fields that are redacted.
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

// redactScheme redacts all but the first word of a header such as "Bearer key".
func redactScheme(v string) string {
	if scheme, _, ok := strings.Cut(v, " "); ok {
		return scheme + " " + redacted
	}
	return redacted
}
