package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
)

// JobsService creates jobs, follows them and waits for them.
type JobsService service

// errRedirect is why a job with a redirect is refused where the job is the result.
var errRedirect = invalid(errors.New("a redirect gives a URL instead of the job: use CreateForURL"))

// Get returns a job with its tasks.
func (s *JobsService) Get(ctx context.Context, id string, opts ...CallOption) (*Job, error) {
	path, err := pathOf("jobs", id)
	if err != nil {
		return nil, err
	}
	return object[Job](ctx, s.core, call{method: http.MethodGet, path: path}, opts)
}

// JobListOptions selects jobs. The zero value selects all.
type JobListOptions struct {
	// Status selects jobs that are processing, finished or in error.
	Status Status `url:"filter[status],omitempty"`
	// Tag selects jobs with exactly this tag.
	Tag string `url:"filter[tag],omitempty"`
	// Include may name [IncludeTasks]: without it the jobs come without their tasks.
	Include []Include `url:"include,comma,omitempty"`
	// PerPage is the number of jobs on a page. By default the service chooses 100.
	PerPage int `url:"per_page,omitempty"`
	// Page is the number of the page, from 1.
	Page int `url:"page,omitempty"`
}

// List returns one page of jobs.
func (s *JobsService) List(ctx context.Context, options JobListOptions, opts ...CallOption) (*Page[Job], error) {
	query, err := queryOf(options)
	if err != nil {
		return nil, err
	}
	return list[Job](ctx, s.core, "/jobs", query, opts)
}

// All iterates over all jobs from the selected page on. It asks for a page
// when the one before is used up. An error is yielded once and ends the iteration.
//
// No job is yielded twice, unless ten thousand others are created between two
// pages. Jobs that are deleted in the loop, by this client, make it skip none, since
// it reads the page again. Jobs that are deleted elsewhere meanwhile, or cease to
// match the options, may make it skip as many others. So may the deletion of more
// than a page of jobs that were yielded before: delete each when it is yielded, or all
// of them after the loop.
func (s *JobsService) All(ctx context.Context, options JobListOptions, opts ...CallOption) iter.Seq2[*Job, error] {
	query, err := queryOf(options)
	if err != nil {
		return failed[Job](err)
	}
	return all(ctx, s.core, "/jobs", query, func(j *Job) any { return j.ID }, opts)
}

// Delete deletes a job with its tasks and files. A running job is abandoned; to
// end it and keep it, use [JobsService.Cancel]. The service deletes jobs by itself
// 24 hours after they ended.
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

// Cancel cancels each task of a job that has not ended. The API has no single call
// for that: tasks are cancelled one by one, in the order of their names, and one
// that ends meanwhile is no error. The failures of all tasks are joined.
//
// Cancelled tasks end in error, and so does their job. To remove the job
// altogether, use [JobsService.Delete].
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

// ResultURL returns the address of the first exported file of a finished job,
// without following it. It is a secret, see [File].
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
