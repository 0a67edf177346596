package cloudconverttest

import (
	"maps"
	"slices"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/internal/media"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
)

// Format is an item of the catalog: an operation on a pair of formats, and its engine.
type Format struct {
	Operation     string
	InputFormat   string // empty for any input, or none
	OutputFormat  string // empty if the format is kept
	Engine        string // as tasks name it
	EngineVersion string // may be empty
}

// AddFormats adds items to the catalog, and replaces those for the same formats.
//
// The catalog has what the server does: the built-in conversions, the pairs of
// [Server.HandleConvert] and all formats of [Server.Handle], with the engine that the
// service usually has for them. Of the pairs that "*" stands for, and of the formats of an
// operation, it has those of the service. AddFormats is for handlers that use other
// engines, or do an operation on some formats only: then the catalog has no other formats
// of the operation for them.
func (s *Server) AddFormats(formats ...Format) {
	s.formats.mu.Lock()
	defer s.formats.mu.Unlock()
	if s.formats.engines == nil {
		s.formats.engines, s.formats.operations = map[catalog.Pair]catalog.Engine{}, map[string]bool{}
	}
	for _, f := range formats {
		p := catalog.PairOf(f.Operation, normalFormat(f.InputFormat), normalFormat(f.OutputFormat), f.Engine)
		s.formats.engines[p] = catalog.Engine{Name: f.Engine, Version: f.EngineVersion}
		s.formats.operations[f.Operation] = true
	}
}

// formats are the items that were added to the catalog.
type formats struct {
	mu         sync.RWMutex
	engines    map[catalog.Pair]catalog.Engine
	operations map[string]bool // that have an item
}

func (f *formats) engine(p catalog.Pair) (catalog.Engine, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	e, ok := f.engines[p]
	return e, ok
}

func (f *formats) have(operation string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.operations[operation]
}

func (f *formats) pairs() []catalog.Pair {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Collect(maps.Keys(f.engines))
}

// listFormats returns the items of the catalog that match.
func (s *Server) listFormats(q catalog.Query) []catalog.Entry {
	q.InputFormat, q.OutputFormat = normalFormat(q.InputFormat), normalFormat(q.OutputFormat)
	return catalog.List(q, slices.Concat(s.formats.pairs(), s.handlers.conversions()), s.engineOf)
}

// engineOf returns the engine of a task on a pair, or false if the server cannot do it.
func (s *Server) engineOf(p catalog.Pair) (catalog.Engine, bool) {
	if e, ok := s.formats.engine(p); ok {
		return e, true
	}
	switch {
	case s.handles(p), builtIn(p):
		return catalog.Usual(p), true
	case s.cfg.standIns && hasStandIn(p):
		return catalog.StandIn, true
	}
	return catalog.Engine{}, false
}

// handles reports whether there is a handler for a pair. If formats of the operation were
// added, handlers for any format do not count.
func (s *Server) handles(p catalog.Pair) bool {
	if p.Operation == catalog.Convert && s.handlers.exact(p.From, p.To) {
		return true
	}
	if s.formats.have(p.Operation) {
		return false
	}
	return s.handlers.operation(p.Operation) != nil || p.Operation == catalog.Convert && s.handlers.pair(p.From, p.To) != nil
}

// mayConvert returns false if a pair of formats is known to be unsupported before the
// task runs.
func (s *Server) mayConvert(req request.Task) bool {
	from, _ := req.Params["input_format"].(string)
	to, _ := req.Params["output_format"].(string)
	if from == "" || s.handlers.operation(catalog.Convert) != nil {
		return true
	}
	from, to = normalFormat(from), normalFormat(to)
	_, ok := s.engineOf(catalog.PairOf(catalog.Convert, from, to, ""))
	return ok || media.CanExtract(from) || s.handlers.pair(from, to) != nil // an archive may be unpacked
}

// pairOf returns the pair of a run on its first input.
func pairOf(run *Run) catalog.Pair {
	return catalog.PairOf(run.Operation, run.Input().Format, run.OutputFormat, run.Text("engine"))
}

// nameEngine names the engine of a finished task that names none.
func (s *Server) nameEngine(run *Run) {
	if run.Text("engine") != "" {
		return
	}
	if e, ok := s.engineOf(pairOf(run)); ok {
		run.work.Update(func(x *jobs.Result) {
			if x.Engine == "" {
				x.Engine, x.EngineVersion = e.Name, e.Version
			}
		})
	}
}
