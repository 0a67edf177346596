// Package fault breaks requests: it has the faults that were injected, finds the one that
// strikes a request, and applies it.
package fault

import (
	"math/rand/v2"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// Phase is when a [Fault] occurs.
type Phase int

// The phases of a request.
const (
	Before Phase = iota // before the request is executed
	During              // after the request was executed, in the middle of the response
	After               // after the request was executed, before the response
)

// Kind is the effect of a [Fault].
type Kind int

// The kinds, as the public type of the same name describes them.
const (
	Status Kind = iota
	Headers
	Reset
	Stall
	Slow
	Truncate
	WrongLength
	Garbage
)

// String returns the name of the kind, for logs.
func (k Kind) String() string {
	return [...]string{"status", "headers", "reset", "stall", "slow", "truncate", "wrong length", "garbage"}[k]
}

// roleStorage is the role of requests to the storage.
const roleStorage = "storage"

// Fault describes a fault and the requests that it affects. The public type of the same
// name describes the fields.
type Fault struct {
	Method, Path, Role string

	Nth, Times int
	Share      float64
	Seed       uint64

	Phase Phase
	Kind  Kind

	Status  int
	Code    string
	Message string
	Body    string
	Header  http.Header
	Delay   time.Duration
	Bytes   int64
}

// Table has the faults of a server. The zero value has none.
type Table struct {
	mu     sync.Mutex
	faults []*armed
}

type armed struct {
	Fault

	rand *rand.Rand
	seen int
	hits int
}

// Add adds a fault. If several match a request, the first one applies, and the others
// count the request too.
func (t *Table) Add(f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	source := rand.NewPCG(f.Seed, f.Seed)
	t.faults = append(t.faults, &armed{Fault: f, rand: rand.New(source)})
}

// Clear removes all faults.
func (t *Table) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = nil
}

// Strike returns the fault that affects the request, if any.
func (t *Table) Strike(role string, r *http.Request) (Fault, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var hit *armed
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

func (f *armed) matches(role string, r *http.Request) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, r.Method) || f.Role != "" && f.Role != role {
		return false
	}
	switch f.Path {
	case "":
		return true
	case "storage:upload":
		return role == roleStorage && r.Method == http.MethodPost
	case "storage:download":
		return role == roleStorage && r.Method != http.MethodPost
	}
	ok, err := path.Match(f.Path, r.URL.Path)
	return ok && err == nil
}

// due counts a matching request and reports whether it is affected.
func (f *armed) due() bool {
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
