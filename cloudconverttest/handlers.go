package cloudconverttest

import (
	"cmp"
	"context"
	"errors"
	"sync"
)

// Handler does the work of a task: it reads the inputs of run and adds files to
// its result. An error fails the task, see [Fail]; so does a handler that ends
// its goroutine, as FailNow of a test does. One that panics ends the process. It
// must end when ctx does.
type Handler = func(ctx context.Context, run *Run) error

// handlers are the functions a test registered.
type handlers struct {
	mu         sync.RWMutex
	operations map[string]Handler
	pairs      map[[2]string]Handler
}

// Handle makes fn do the work of all tasks of an operation, "merge" for
// example, in place of what the server does by itself. It is called once for
// each task. A nil fn removes an earlier one.
func (s *Server) Handle(operation string, fn func(ctx context.Context, run *Run) error) {
	s.handlers.mu.Lock()
	defer s.handlers.mu.Unlock()
	if s.handlers.operations == nil {
		s.handlers.operations = map[string]Handler{}
	}
	s.handlers.operations[operation] = fn
}

// HandleConvert makes fn convert files of one format into another, "docx" to
// "pdf" for example. "*" stands for any format; a handler for the exact pair
// is preferred, then one for its input format, then one for its output format. fn
// is called once for each input file, and is preferred to one registered with
// [Server.Handle]. A nil fn removes an earlier one.
func (s *Server) HandleConvert(from, to string, fn func(ctx context.Context, run *Run) error) {
	s.handlers.mu.Lock()
	defer s.handlers.mu.Unlock()
	if s.handlers.pairs == nil {
		s.handlers.pairs = map[[2]string]Handler{}
	}
	s.handlers.pairs[[2]string{formatOf(from), formatOf(to)}] = fn
}

func (h *handlers) operation(name string) Handler {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.operations[name]
}

func (h *handlers) pair(from, to string) Handler {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, key := range [][2]string{{from, to}, {from, "*"}, {"*", to}, {"*", "*"}} {
		if fn := h.pairs[key]; fn != nil {
			return fn
		}
	}
	return nil
}

// errGoexit fails the task of a handler that does not return.
var errGoexit = errors.New("the handler has ended its goroutine, as FailNow of a test does")

// executeAside does the work of a task in a goroutine of its own, which a handler may end.
func (s *Server) executeAside(ctx context.Context, run *Run) error {
	ended := make(chan struct{})
	err := errGoexit
	go func() {
		defer close(ended)
		err = s.execute(ctx, run)
	}()
	<-ended
	return err
}

// execute does the work of a task: by a registered function, or with what the server can do itself.
func (s *Server) execute(ctx context.Context, run *Run) error {
	if run.Operation == opConvert {
		return s.convertAll(ctx, run)
	}
	if fn := s.handlers.operation(run.Operation); fn != nil {
		return fn(ctx, run)
	}
	return run.Default(ctx)
}

// Default does with the inputs of the run what the server does by itself, as if
// no handler were registered. A handler that wants only some files for itself
// calls it for the others.
func (r *Run) Default(ctx context.Context) error {
	switch operations[r.Operation].family {
	case importing:
		return r.s.importFiles(ctx, r)
	case exporting:
		return r.s.exportFiles(ctx, r)
	case processing:
		return r.s.process(ctx, r)
	}
	return nil
}

// convertAll converts one input file after the other.
func (s *Server) convertAll(ctx context.Context, run *Run) error {
	if fn := s.handlers.operation(opConvert); fn != nil && !s.hasPair(run) {
		return fn(ctx, run)
	}
	for i := range run.Inputs {
		one := run.part(i)
		in := one.Input()
		if fn := s.handlers.pair(in.Format, one.OutputFormat); fn != nil {
			if err := fn(ctx, one); err != nil {
				return err
			}
			continue
		}
		if err := s.convert(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// hasPair reports whether some input of the run has a function for its pair of formats.
func (s *Server) hasPair(run *Run) bool {
	for _, in := range run.Inputs {
		if s.handlers.pair(in.Format, run.OutputFormat) != nil {
			return true
		}
	}
	return false
}

// part is the run for one of several input files.
func (r *Run) part(i int) *Run {
	one := *r
	one.Inputs, one.index, one.total = r.Inputs[i:i+1], i, len(r.Inputs)
	return &one
}

// engineOf names the engine a task will probably run on.
func engineOf(r taskRequest) (engine, version string) {
	op := operations[r.operation]
	if op.family != processing {
		return "", ""
	}
	engine, _ = asText(r.params["engine"])
	version, _ = asText(r.params["engine_version"])
	return cmp.Or(engine, op.engine), version
}
