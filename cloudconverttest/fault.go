package cloudconverttest

import (
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/fault"
)

// Phase is when a [Fault] occurs.
type Phase int

// The phases of a request.
const (
	Before Phase = iota // before the request is executed
	During              // after the request was executed, in the middle of the response
	After               // after the request was executed, before the response
)

// Kind is the effect of a [Fault]: one of [Status], [Headers], [Reset], [Stall], [Slow],
// [Truncate], [WrongLength] and [Garbage].
type Kind int

// The effect of a kind depends on the phase.
const (
	// Status responds with Status, Header and Body in place of the real response;
	// the phases do not differ for the client. An empty Body becomes the error
	// object of the API with Code and Message, the XML of the storage, or, without
	// a Code, an HTML page as from a gateway.
	Status Kind = iota
	// Headers executes the request in every phase and sets Header on the
	// response.
	Headers
	// Reset breaks the connection: at once, after the first part of the response
	// body, or before the response. The client gets a connection reset, or in process
	// an EOF. Over HTTP/2, During breaks only the stream of the request.
	Reset
	// Stall sends nothing more until the client disconnects, the server closes, or
	// Delay (if set) has passed. Then the connection ends. With Before, the server
	// reads the body of a request to the API, but only the first Bytes bytes of an
	// upload, so that the upload stalls.
	Stall
	// Slow executes the request. Before and After wait for Delay before the
	// response, before or after the execution. During sends the body in pieces of
	// Bytes bytes (1024 if zero) with a pause of Delay between them.
	Slow
	// Truncate executes the request and sends the full Content-Length, but ends the
	// connection after the first part of the body, in every phase. The client gets
	// an unexpected EOF.
	Truncate
	// WrongLength executes the request and sends the first part of the body with
	// the Content-Length of that part, in every phase. The client gets a valid
	// response that is too short.
	WrongLength
	// Garbage responds with 200 and a body that the API would never send, or with
	// Body.
	Garbage
)

// Fault describes a fault and the requests that it affects. The zero value of a field
// means "any" or "default". A zero Fault responds to every request with 500.
type Fault struct {
	// Method is the method of the request, "" for any.
	Method string
	// Path is the path of the request, "" for any. It may be a pattern of path.Match:
	// "*" matches one segment, as in "/v2/jobs/*". "storage:upload" and
	// "storage:download" match all uploads and downloads.
	Path string
	// Role is the role of the host, "" for any.
	Role Role

	// Nth is the number of the first matching request that is affected, counted from
	// Inject. 0 means 1.
	Nth int
	// Times is how many requests are affected. 0 means one if Nth is set, and all
	// otherwise.
	Times int
	// Share is the probability that a matching request is affected, from Nth on. 0
	// means 1. Seed makes it reproducible.
	Share float64
	Seed  uint64

	// Phase and Kind are when the fault occurs and what it does.
	Phase Phase
	Kind  Kind

	// Status (500 if zero), Code, Message and Body are the response of the kind
	// Status. Body is also that of Garbage.
	Status  int
	Code    string
	Message string
	Body    string
	// Header is set on the response of all kinds but Slow: a truncated response may
	// have another entity tag.
	Header http.Header
	// Delay is the delay of Stall and Slow.
	Delay time.Duration
	// Bytes is the length of the first part of the body. 0 means one half of it.
	// See also Slow and Stall.
	Bytes int64
}

// Inject adds a fault. If several match a request, the one that was injected first
// applies. The others count the request too.
func (s *Server) Inject(f Fault) {
	s.faults.Add(fault.Fault{
		Method: f.Method, Path: f.Path, Role: string(f.Role), Nth: f.Nth, Times: f.Times, Share: f.Share, Seed: f.Seed,
		Phase: fault.Phase(f.Phase), Kind: fault.Kind(f.Kind), Status: f.Status, Code: f.Code, Message: f.Message,
		Body: f.Body, Header: f.Header.Clone(), Delay: f.Delay, Bytes: f.Bytes,
	})
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() { s.faults.Clear() }
