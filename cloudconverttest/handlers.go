package cloudconverttest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/objects"
)

// Handler does the work of a task: it reads the inputs of run and adds files to
// its result. An error fails the task, see [Fail], and so does a call of
// runtime.Goexit, as by FailNow of a test. A panic ends the process. The handler
// must return when ctx ends.
type Handler = func(ctx context.Context, run *Run) error

// handlers are the registered functions.
type handlers struct {
	mu         sync.RWMutex
	operations map[string]Handler
	pairs      map[[2]string]Handler
}

// Handle registers fn for all tasks of an operation, such as "merge", in place of the
// built-in conversions. It is called once for each task, or, if [Server.HandleConvert]
// has a handler for other input files of the task, once for each of the rest. A nil fn
// removes an earlier one. Handle panics if there is no such operation.
func (s *Server) Handle(operation string, fn Handler) {
	checkOperation(operation)
	s.handlers.mu.Lock()
	defer s.handlers.mu.Unlock()
	if s.handlers.operations == nil {
		s.handlers.operations = map[string]Handler{}
	}
	s.handlers.operations[operation] = fn
}

// checkOperation panics for an operation that the service does not have: its handler would
// never be called.
func checkOperation(name string) {
	if _, ok := catalog.Operations[name]; !ok {
		panic(fmt.Sprintf("cloudconverttest: there is no operation %q", name)) //nolint:forbidigo // as documented
	}
}

// HandleConvert registers fn for conversions from one format to another, such as "docx"
// to "pdf". "*" stands for any format. A handler for the exact pair takes precedence,
// then one for the input format, then one for the output format, then that of
// [Server.Handle]. fn is called once for each input file. A nil fn removes an earlier
// one.
func (s *Server) HandleConvert(from, to string, fn Handler) {
	s.handlers.mu.Lock()
	defer s.handlers.mu.Unlock()
	if s.handlers.pairs == nil {
		s.handlers.pairs = map[[2]string]Handler{}
	}
	s.handlers.pairs[[2]string{normalFormat(from), normalFormat(to)}] = fn
}

// conversions returns the pairs of formats that have a function. "*" is in none.
func (h *handlers) conversions() []catalog.Pair {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var pairs []catalog.Pair
	for pair, fn := range h.pairs {
		if fn != nil && pair[0] != "*" && pair[1] != "*" {
			pairs = append(pairs, catalog.Pair{Operation: catalog.Convert, From: pair[0], To: pair[1]})
		}
	}
	return pairs
}

func (h *handlers) operation(name string) Handler {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.operations[name]
}

// exact reports whether a pair has a function that is not for any format.
func (h *handlers) exact(from, to string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.pairs[[2]string{from, to}] != nil
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

// errGoexit fails a task whose handler calls runtime.Goexit.
var errGoexit = errors.New("the handler called runtime.Goexit, as FailNow of a test does")

// executeInGoroutine does the work of a task in a separate goroutine, which a handler may end.
func (s *Server) executeInGoroutine(ctx context.Context, work *jobs.Run) error {
	run, err := s.newRun(work, s.handlers.operation(work.Operation) != nil)
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	err = errGoexit
	go func() {
		defer close(ended)
		if err = s.execute(ctx, run); err == nil {
			s.nameEngine(run)
		}
	}()
	<-ended
	return err
}

// execute does the work of a task, by a registered function or a built-in conversion.
func (s *Server) execute(ctx context.Context, run *Run) error {
	if run.Operation == catalog.Convert {
		return s.convertAll(ctx, run)
	}
	if fn := s.handlers.operation(run.Operation); fn != nil {
		return fn(ctx, run)
	}
	return run.Default(ctx)
}

// Default runs the built-in conversion, as if no handler were registered. A handler for
// only some files calls it for the others.
func (r *Run) Default(ctx context.Context) error {
	switch catalog.Operations[r.Operation].Family {
	case catalog.Importing:
		err := r.s.importFiles(ctx, r)
		missing := r.s.cfg.standIns && r.s.cfg.objects == "" && errors.Is(err, objects.ErrNotFound)
		if missing && standInObject(r) == nil {
			return nil
		}
		return err
	case catalog.Exporting:
		return r.s.exportFiles(ctx, r)
	case catalog.Processing:
		return r.s.process(ctx, r)
	}
	return nil
}

// convertAll converts the input files one by one, or by the handler of the operation if no
// file has a handler for its formats.
func (s *Server) convertAll(ctx context.Context, run *Run) error {
	others := s.handlers.operation(catalog.Convert)
	switch {
	case others == nil:
		others = s.process
	case !s.hasPair(run):
		return others(ctx, run)
	}
	for i := range run.Inputs {
		one := run.part(i)
		fn := s.handlers.pair(one.Input().Format, one.OutputFormat)
		if fn == nil {
			fn = others
		}
		if err := fn(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// hasPair reports whether there is a function for the formats of any input.
func (s *Server) hasPair(run *Run) bool {
	for _, in := range run.Inputs {
		if s.handlers.pair(in.Format, run.OutputFormat) != nil {
			return true
		}
	}
	return false
}

// part returns the run for one of several input files. A part of one file is the run.
func (r *Run) part(i int) *Run {
	if len(r.Inputs) == 1 {
		return r
	}
	one := *r
	one.Inputs, one.index, one.total = r.Inputs[i:i+1], i, len(r.Inputs)
	return &one
}
