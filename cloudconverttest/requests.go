package cloudconverttest

import (
	"net/http"
	"net/url"
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

// Request is a request to the server. Keys, signatures and credentials in it, and in URLs in
// it, are replaced by "REDACTED".
type Request struct {
	Method string
	Role   Role
	Path   string // decoded, including /v2
	Query  url.Values
	Header http.Header
	// ContentLength is -1 if the client did not send it.
	ContentLength int64
	// Body is the body of a request to the API, with long strings shortened. It is
	// empty for uploads, and if it is neither JSON nor a form.
	Body []byte
	// Status is the status of the response. It is 0 before the response, and for a
	// request that got none.
	Status int
	// Time is the time of arrival on the clock of the server.
	Time time.Time
}

// Requests returns the requests in the order of their arrival, including those without a
// response yet and those with a fault. Only the newest 10,000 are kept, see
// [WithRequestLog], and only up to 64 MiB.
func (s *Server) Requests() []Request {
	all := s.requests.All()
	out := make([]Request, len(all))
	for i, r := range all {
		out[i] = Request{
			Method: r.Method, Role: Role(r.Role), Path: r.Path, Query: r.Query, Header: r.Header,
			ContentLength: r.ContentLength, Body: r.Body, Status: r.Status, Time: r.Time,
		}
	}
	return out
}
