package cloudconverttest

import (
	"math/rand/v2"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// Phase says when a [Fault] strikes.
type Phase int

// The phases.
const (
	Before Phase = iota // before the request is executed, so nothing was done
	During              // the request was executed, and its answer is cut in the middle
	After               // the request was executed, and nothing of its answer is sent
)

// Kind says what a [Fault] does.
type Kind int

// The kinds. What the client sees depends on the phase.
const (
	// Status answers with Status, Header and Body in place of the real answer;
	// a client cannot tell the phases apart. An empty Body becomes the error
	// object of the API with Code and Message, the XML of the storage, or,
	// without a Code, a page of HTML as gateways send it.
	Status Kind = iota
	// Headers executes the request in every phase and sets Header on its
	// answer.
	Headers
	// Reset breaks the connection: at once, after the first part of the
	// answer's body, or in place of the answer. The client sees a connection
	// reset (or, in process, an end of file). Over HTTP/2, During breaks only the
	// stream of the request.
	Reset
	// Stall sends nothing more until the client leaves, the server closes, or
	// Delay (if set) has passed; then the connection ends. Before reads the
	// body of a request to the API, but of an upload only the first Bytes
	// bytes, so that the upload itself gets stuck.
	Stall
	// Slow executes the request. Before and After wait for Delay ahead of the
	// answer, before or after the execution; During sends the body in pieces of
	// Bytes bytes (1024 if zero) with a pause of Delay between them.
	Slow
	// Truncate executes the request and announces the full length, but ends the
	// connection after the first part of the body, in every phase. The client
	// sees an unexpected end of file.
	Truncate
	// WrongLength executes the request and sends the first part of the body as
	// if it were the whole, with a Content-Length that fits, in every phase.
	// The client sees a faultless answer that is too short.
	WrongLength
	// Garbage answers 200 with a body that is nothing the API would send, or
	// with Body.
	Garbage
)

// Fault makes matching requests go wrong. The zero value of each field means
// "any" or "default"; a Fault of zero values answers every request with 500.
type Fault struct {
	// Method of the request, "" for any.
	Method string
	// Path of the request, "" for any. A "*" stands for one segment, as in
	// "/v2/jobs/*"; patterns are those of path.Match. "storage:upload" and
	// "storage:download" stand for all uploads and downloads.
	Path string
	// Role of the host, "" for any.
	Role Role

	// Nth is the number, from 1, of the first matching request that is hit; 0
	// is 1. Requests are counted from Inject on.
	Nth int
	// Times is how many requests are hit. 0 means one when Nth is given and no
	// limit otherwise.
	Times int
	// Share is the probability that a matching request is hit, from Nth on; 0
	// means always. Seed makes it repeatable.
	Share float64
	Seed  uint64

	// Phase says when it strikes, Kind what happens.
	Phase Phase
	Kind  Kind

	// Status (500 if zero), Code, Message and Body are the answer of the kind
	// Status; Body also that of Garbage.
	Status  int
	Code    string
	Message string
	Body    string
	// Header is set on the answer, for all kinds that send one but Slow: a cut
	// answer may have another entity tag.
	Header http.Header
	// Delay of the kinds Stall and Slow.
	Delay time.Duration
	// Bytes is the length of the first part of the body, 0 for one half of it.
	// See also Slow and Stall.
	Bytes int64
}

// Inject adds a fault. Of several faults that match a request the first
// injected one strikes; the others count the request as well.
func (s *Server) Inject(f Fault) {
	f.Header = f.Header.Clone()
	s.faults.add(f)
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() { s.faults.clear() }

type faultTable struct {
	mu     sync.Mutex
	faults []*armedFault
}

type armedFault struct {
	Fault

	rand *rand.Rand
	seen int
	hits int
}

func (t *faultTable) add(f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	source := rand.NewPCG(f.Seed, f.Seed)
	t.faults = append(t.faults, &armedFault{Fault: f, rand: rand.New(source)})
}

func (t *faultTable) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = nil
}

// strike returns the fault that hits the request, if any.
func (t *faultTable) strike(role Role, r *http.Request) (Fault, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var hit *armedFault
	for _, f := range t.faults {
		if f.matches(role, r) && f.due() && hit == nil {
			hit = f
		}
	}
	if hit == nil {
		return Fault{}, false
	}
	hit.hits++
	return hit.Fault, true
}

func (f *armedFault) matches(role Role, r *http.Request) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, r.Method) || f.Role != "" && f.Role != role {
		return false
	}
	switch f.Path {
	case "":
		return true
	case "storage:upload":
		return role == RoleStorage && r.Method == http.MethodPost
	case "storage:download":
		return role == RoleStorage && r.Method != http.MethodPost
	}
	ok, err := path.Match(f.Path, r.URL.Path)
	return ok && err == nil
}

// due counts a matching request and reports whether it is to be hit.
func (f *armedFault) due() bool {
	f.seen++
	limit := f.Times
	if limit == 0 && f.Nth > 0 {
		limit = 1
	}
	if f.seen < f.Nth || limit > 0 && f.hits >= limit {
		return false
	}
	return f.Share == 0 || f.rand.Float64() < f.Share
}
