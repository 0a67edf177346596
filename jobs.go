package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// JobsService creates, reads, watches and deletes jobs, and waits for them.
type JobsService service

// errRedirect is the error of a request with a redirect where the result is a job.
var errRedirect = invalid(errors.New("the redirect returns a URL instead of the job: use CreateForURL"))

// Get returns a job with its tasks. If it does not exist, the error matches
// [ErrNotFound].
func (s *JobsService) Get(ctx context.Context, id string, opts ...CallOption) (*Job, error) {
	path, err := pathOf("jobs", id)
	if err != nil {
		return nil, err
	}
	return object[Job](ctx, s.core, call{method: http.MethodGet, path: path}, opts)
}

// JobListOptions selects jobs. The zero value selects all.
type JobListOptions struct {
	// Status selects jobs with this status: processing, finished or error.
	Status Status `url:"filter[status],omitempty"`
	// Tag selects jobs with exactly this tag.
	Tag string `url:"filter[tag],omitempty"`
	// Include may have [IncludeTasks]. Without it, the jobs have no tasks.
	Include []Include `url:"include,comma,omitempty"`
	// PerPage is the number of jobs on a page. By default the service chooses 100.
	PerPage int `url:"per_page,omitempty"`
	// Page is the number of the page, from 1.
	Page int `url:"page,omitempty"`
}

// Find returns the newest of the jobs with a tag that have not failed, whether it has
// ended or not. If all have failed, it returns the newest one, without an error, and if
// there is none, the error matches [ErrNotFound]. The tag may also be the key of a call
// with [WithKey]. The tasks of the job are included.
func (s *JobsService) Find(ctx context.Context, tag string, opts ...CallOption) (*Job, error) {
	if tag == "" {
		return nil, invalid(errors.New("the tag is empty: every job would match"))
	}
	job, err := s.find(ctx, tagOf(tag), opts...)
	if job == nil && err == nil && tagOf(tag) != tag {
		job, err = s.find(ctx, tag, opts...) // it is not a key
	}
	if job == nil && err == nil {
		err = fmt.Errorf("%w: no job has the tag %q", ErrNotFound, engine.HideQueries(tag))
	}
	return job, err
}

// find returns the newest job with a tag that has not failed and still has its files, or
// else the newest one, or nil if there is none.
func (s *JobsService) find(ctx context.Context, tag string, opts ...CallOption) (*Job, error) {
	var failed *Job
	for job, err := range s.All(ctx, JobListOptions{Tag: tag, Include: []Include{IncludeTasks}}, opts...) {
		switch {
		case err != nil:
			return nil, err
		case job.Tag != tag:
		case isUsable(job):
			return job, nil
		case failed == nil:
			failed = job
		}
	}
	return failed, nil
}

// List returns one page of jobs.
func (s *JobsService) List(ctx context.Context, options JobListOptions, opts ...CallOption) (*Page[Job], error) {
	query, err := queryOf(options)
	if err != nil {
		return nil, err
	}
	return list[Job](ctx, s.core, "/jobs", query, opts)
}

// All iterates over all jobs from the selected page on. It requests each page
// when it is needed. An error is yielded once and ends the iteration.
//
// No job is yielded twice, unless ten thousand others are created between two pages.
// If this client deletes jobs in the loop, none are skipped: All reads the page
// again. For each job that is deleted elsewhere, or no longer matches the options,
// another may be skipped. Deleting more than a page of jobs that were yielded earlier
// may also skip others: delete each job when it is yielded, or all after the loop.
func (s *JobsService) All(ctx context.Context, options JobListOptions, opts ...CallOption) iter.Seq2[*Job, error] {
	query, err := queryOf(options)
	if err != nil {
		return failed[Job](err)
	}
	return all(ctx, s.core, "/jobs", query, func(j *Job) any { return j.ID }, opts)
}

// Delete deletes a job with its tasks and files, even if it is running. To end a
// job and keep it, use [JobsService.Cancel]. The service deletes each job 24
// hours after it has ended.
func (s *JobsService) Delete(ctx context.Context, id string, opts ...CallOption) error {
	path, err := pathOf("jobs", id)
	if err != nil {
		return err
	}
	if err := remove(ctx, s.core, path, opts); err != nil {
		return err
	}
	s.core.queue.JobEnded()
	return nil
}

// Cancel cancels all tasks of a job that have not ended. The API has no single call
// for this: the tasks are cancelled one by one, in the order of their names. A task
// that ends in the meantime is not an error. The errors of all tasks are joined.
//
// Cancelled tasks end in error, and so does their job. To remove the job, use
// [JobsService.Delete].
func (s *JobsService) Cancel(ctx context.Context, id string, opts ...CallOption) error {
	job, err := s.Get(ctx, id, opts...)
	if err != nil {
		return err
	}
	tasks := (*TasksService)(s)
	var failures []error
	for _, task := range sortedByName(job.Tasks) {
		if task.Status.Terminal() {
			continue
		}
		if _, err := tasks.Cancel(ctx, task.ID, opts...); err != nil && !tasks.hasEnded(ctx, task.ID) {
			failures = append(failures, fmt.Errorf("task %q: %w", task.Name, err))
		}
	}
	return errors.Join(failures...)
}

// ResultURL returns the URL of the first exported file of a finished job. The URL
// is a secret, see [File], and is not requested.
func (s *JobsService) ResultURL(ctx context.Context, id string, opts ...CallOption) (string, error) {
	path, err := pathOf("jobs", id)
	if err != nil {
		return "", err
	}
	return s.core.redirect(ctx, call{
		method: http.MethodGet,
		path:   path,
		query:  map[string][]string{"redirect": {"true"}},
	}, opts)
}
