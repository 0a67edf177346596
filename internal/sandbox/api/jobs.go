package api

import (
	"context"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/network"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

func (a *API) createJob(c *call) error {
	if err := c.throttle(); err != nil {
		return err
	}
	fields, err := request.Fields(c.r)
	if err != nil {
		return err
	}
	req, err := request.ParseJob(fields, c.sync)
	if err != nil {
		return err
	}
	var created wire.Job
	j, err := a.cfg.Jobs.Create(req, func(j *jobs.Job) { created = a.Job(j, true) })
	if err != nil {
		return err
	}
	if !c.sync {
		return c.data(http.StatusCreated, created)
	}
	if err := c.await(j.Done); err != nil {
		return err
	}
	return c.job(http.StatusCreated, j, req.Redirect)
}

func (a *API) showJob(c *call) error {
	j, err := a.cfg.Jobs.Find(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.job(http.StatusOK, j, c.flag("redirect"))
}

// waitJob responds when the job has ended.
func (a *API) waitJob(c *call) error {
	j, err := a.cfg.Jobs.Find(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := c.await(j.Done); err != nil {
		return err
	}
	return c.job(http.StatusOK, j, c.flag("redirect"))
}

// job responds with the current state of a job, or with a redirect to its first exported
// file.
func (c *call) job(status int, j *jobs.Job, redirect bool) error {
	var gone bool
	var shown wire.Job
	var to string
	c.api.cfg.Jobs.View(func() { gone, shown, to = j.Deleted, c.api.Job(j, true), c.api.exported(j) })
	switch {
	case gone:
		return errNotFound
	case redirect && to != "":
		return c.redirect(to)
	}
	return c.data(status, shown)
}

// exported returns the URL of the first exported file of a finished job.
func (a *API) exported(j *jobs.Job) string {
	if j.Status != jobs.Finished {
		return ""
	}
	for _, t := range j.Tasks {
		if t.Operation != catalog.ExportURL {
			continue
		}
		for _, f := range t.Files {
			return a.cfg.Storage.URL(f)
		}
	}
	return ""
}

func (a *API) deleteJob(c *call) error {
	j, err := a.cfg.Jobs.Find(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	a.cfg.Jobs.Delete(j)
	return c.noContent()
}

// await waits for done. With SyncTimeout it returns nil earlier. It returns
// errAborted if the client has disconnected.
func (c *call) await(done <-chan struct{}) error {
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	select {
	case <-done:
		return nil
	default:
	}
	select {
	case <-done:
		return nil
	case <-after(ctx, c.api.cfg.SyncTimeout):
		return nil
	case <-after(ctx, c.api.cfg.SyncDrop):
	case <-ctx.Done():
	case <-c.api.cfg.Closed:
	}
	network.Cut(c.w, c.r)
	return errAborted
}

// after returns a channel that has a value after d, or never if d is zero. Its timer ends
// with ctx.
func after(ctx context.Context, d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	context.AfterFunc(ctx, func() { timer.Stop() })
	return timer.C
}
