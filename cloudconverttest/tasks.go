package cloudconverttest

import (
	"net/http"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// createTask creates a task without a job. Its inputs are ids.
func (s *Server) createTask(c *call) error {
	name := c.r.PathValue("operation")
	op, ok := catalog.Operations[name]
	if !ok {
		return errNotFound
	}
	if err := c.throttle(); err != nil {
		return err
	}
	fields, err := request.Fields(c.r)
	if err != nil {
		return err
	}
	params := map[string]any{}
	for field, raw := range fields {
		params[field] = request.Decode(raw)
	}
	params["operation"] = name
	delete(params, "name")
	p := request.Problems{}
	req := p.Task("", "", params)
	if len(p) > 0 {
		return p.Err()
	}
	created, err := s.startTask(req, op)
	if err != nil {
		return err
	}
	return c.data(http.StatusCreated, created)
}

// startTask creates and starts a task. The wire.Task has its state at the creation.
func (s *Server) startTask(req request.Task, op catalog.Operation) (wire.Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.afford(); err != nil && op.Credits > 0 {
		return wire.Task{}, err
	}
	for _, id := range req.Dependencies() {
		if _, ok := s.tasks.get(id); !ok {
			return wire.Task{}, request.Invalid("input", request.InvalidInput)
		}
	}
	if req.Operation == catalog.Convert && !s.mayConvert(req) {
		return wire.Task{}, errUnsupportedPair
	}
	t := s.addTask(req, nil)
	link(t, s.taskByID)
	created := s.wireTask(t, nil)
	s.emitTasks(taskCreated, t)
	s.launch(t)
	return created, nil
}

func (s *Server) taskByID(id string) *task {
	t, _ := s.tasks.get(id)
	return t
}

func (s *Server) findTask(id string) (*task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tasks.get(id)
	if !ok {
		return nil, errNotFound
	}
	return t, nil
}

func (s *Server) showTask(c *call) error {
	t, err := s.findTask(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.task(http.StatusOK, t)
}

// waitTask responds when the task has ended.
func (s *Server) waitTask(c *call) error {
	t, err := s.findTask(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := c.await(t.done); err != nil {
		return err
	}
	return c.task(http.StatusOK, t)
}

func (c *call) task(status int, t *task) error {
	c.s.mu.Lock()
	gone, shown := t.deleted, c.s.wireTask(t, c.include())
	c.s.mu.Unlock()
	if gone {
		return errNotFound
	}
	return c.data(status, shown)
}

func (s *Server) cancelTask(c *call) error {
	t, err := s.findTask(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	s.mu.Lock()
	ended := t.terminal()
	s.fail(t, codeCancelled, messageCancelled)
	s.mu.Unlock()
	if ended {
		return request.Invalid("status", "Cannot change status: task already completed.")
	}
	return c.task(http.StatusOK, t)
}

func (s *Server) retryTask(c *call) error {
	if err := c.throttle(); err != nil {
		return err
	}
	created, err := s.copyTask(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.data(http.StatusCreated, created)
}

// copyTask copies an ended task and starts the copy. It belongs to the same job, whose
// state does not change.
func (s *Server) copyTask(id string) (wire.Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.tasks.get(id)
	switch {
	case !ok:
		return wire.Task{}, errNotFound
	case !old.terminal():
		return wire.Task{}, request.Invalid("status", "Cannot retry: task not completed.")
	}
	if err := s.afford(); err != nil {
		return wire.Task{}, err
	}
	t := s.addTask(old.request, old.job)
	t.retryOf = old.id
	t.inputs = old.inputs
	for _, need := range old.needs {
		t.needs = append(t.needs, need)
		t.await(need)
	}
	old.retries = append(old.retries, t)
	if old.job != nil {
		old.job.copies = append(old.job.copies, t)
	}
	created := s.wireTask(t, nil)
	s.emitTasks(taskCreated, t)
	s.launch(t)
	return created, nil
}

func (s *Server) deleteTask(c *call) error {
	t, err := s.findTask(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.removeTask(t)
	s.mu.Unlock()
	return c.noContent()
}
