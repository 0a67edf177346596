package cloudconverttest

import (
	"context"
	"sync"
)

// activity counts running tasks and pending deliveries.
type activity struct {
	mu   sync.Mutex
	n    int
	idle chan struct{}
}

func (a *activity) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n++
}

func (a *activity) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n--
	if a.n == 0 && a.idle != nil {
		close(a.idle)
		a.idle = nil
	}
}

// wait waits until the count is zero. It returns the error of ctx if that ends first.
func (a *activity) wait(ctx context.Context) error {
	a.mu.Lock()
	if a.n == 0 {
		a.mu.Unlock()
		return nil
	}
	if a.idle == nil {
		a.idle = make(chan struct{})
	}
	idle := a.idle
	a.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// WaitIdle waits until no task runs and no webhook delivery is pending. A job that
// waits for an upload counts as idle. The error is that of ctx.
func (s *Server) WaitIdle(ctx context.Context) error { return s.busy.wait(ctx) }

// spawn runs f in a goroutine that Close waits for. The context ends with the server. A
// closed server does not call f.
func (s *Server) spawn(f func(ctx context.Context)) {
	s.lifeMu.Lock()
	defer s.lifeMu.Unlock()
	if s.closed {
		return
	}
	s.busy.begin()
	s.wg.Go(func() {
		defer s.busy.end()
		f(s.ctx)
	})
}
