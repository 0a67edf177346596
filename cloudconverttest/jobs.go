package cloudconverttest

import (
	"context"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/network"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

func (s *Server) createJob(c *call) error {
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
	j, created, err := s.startJob(req)
	if err != nil {
		return err
	}
	if !c.sync {
		return c.data(http.StatusCreated, created)
	}
	if err := c.await(j.done); err != nil {
		return err
	}
	return c.job(http.StatusCreated, j, req.Redirect)
}

// startJob creates and starts a job. The wire.Job has its state at the creation.
func (s *Server) startJob(req *request.Job) (*job, wire.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.createLocked(req)
}

// createLocked is startJob for callers that hold s.mu.
func (s *Server) createLocked(req *request.Job) (*job, wire.Job, error) {
	if err := s.afford(); err != nil {
		return nil, wire.Job{}, err
	}
	if !s.account.StartJob() {
		return nil, wire.Job{}, errTooManyJobs
	}
	j := s.addJob(req)
	created := s.wireJob(j, true)
	s.notify("job.created", j)
	s.emitTasks(taskCreated, j.tasks...)
	s.launch(j.tasks...)
	return j, created, nil
}

// afford returns an error if there are no credits left.
func (s *Server) afford() error {
	if !s.account.Afford() {
		return errNoCredits
	}
	return nil
}

func (s *Server) showJob(c *call) error {
	j, err := s.findJob(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.job(http.StatusOK, j, c.flag("redirect"))
}

// waitJob responds when the job has ended.
func (s *Server) waitJob(c *call) error {
	j, err := s.findJob(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := c.await(j.done); err != nil {
		return err
	}
	return c.job(http.StatusOK, j, c.flag("redirect"))
}

// job responds with the current state of a job, or with a redirect to its first exported
// file.
func (c *call) job(status int, j *job, redirect bool) error {
	c.s.mu.Lock()
	gone, shown, to := j.deleted, c.s.wireJob(j, true), c.s.exported(j)
	c.s.mu.Unlock()
	switch {
	case gone:
		return errNotFound
	case redirect && to != "":
		return c.redirect(to)
	}
	return c.data(status, shown)
}

// exported returns the URL of the first exported file of a finished job.
func (s *Server) exported(j *job) string {
	if j.status != finished {
		return ""
	}
	for _, t := range j.tasks {
		if t.operation != catalog.ExportURL {
			continue
		}
		for _, f := range t.files {
			return s.storage.URL(f)
		}
	}
	return ""
}

func (s *Server) findJob(id string) (*job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.jobs.get(id)
	if !ok {
		return nil, errNotFound
	}
	return j, nil
}

func (s *Server) deleteJob(c *call) error {
	j, err := s.findJob(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.removeJob(j)
	s.mu.Unlock()
	return c.noContent()
}

// await waits for done. With [WithSyncTimeout] it returns nil earlier. It returns
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
	case <-after(ctx, c.s.cfg.syncTimeout):
		return nil
	case <-after(ctx, c.s.cfg.syncDrop):
	case <-ctx.Done():
	case <-c.s.ctx.Done():
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
