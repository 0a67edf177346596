package api

import (
	"net/http"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// createTask creates a task without a job. Its inputs are ids.
func (a *API) createTask(c *call) error {
	name := c.r.PathValue("operation")
	if _, ok := catalog.Operations[name]; !ok {
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
	var created wire.Task
	if err := a.cfg.Jobs.CreateTask(req, func(t *jobs.Task) { created = a.Task(t, nil) }); err != nil {
		return err
	}
	return c.data(http.StatusCreated, created)
}

func (a *API) showTask(c *call) error {
	t, err := a.cfg.Jobs.FindTask(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.task(http.StatusOK, t)
}

// waitTask responds when the task has ended.
func (a *API) waitTask(c *call) error {
	t, err := a.cfg.Jobs.FindTask(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := c.await(t.Done); err != nil {
		return err
	}
	return c.task(http.StatusOK, t)
}

func (c *call) task(status int, t *jobs.Task) error {
	var gone bool
	var shown wire.Task
	c.api.cfg.Jobs.View(func() { gone, shown = t.Deleted, c.api.Task(t, c.include()) })
	if gone {
		return errNotFound
	}
	return c.data(status, shown)
}

func (a *API) cancelTask(c *call) error {
	t, err := a.cfg.Jobs.FindTask(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := a.cfg.Jobs.Cancel(t); err != nil {
		return err
	}
	return c.task(http.StatusOK, t)
}

func (a *API) retryTask(c *call) error {
	if err := c.throttle(); err != nil {
		return err
	}
	var created wire.Task
	if err := a.cfg.Jobs.Retry(c.r.PathValue("id"), func(t *jobs.Task) { created = a.Task(t, nil) }); err != nil {
		return err
	}
	return c.data(http.StatusCreated, created)
}

func (a *API) deleteTask(c *call) error {
	t, err := a.cfg.Jobs.FindTask(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	a.cfg.Jobs.DeleteTask(t)
	return c.noContent()
}
