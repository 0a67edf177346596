package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
)

// JobsService creates jobs, follows them and waits for them.
type JobsService service

// Create creates a job and returns at once, while it waits or runs. The request is
// validated first, see [JobRequest.Validate].
//
// A job is never created twice. If the answer to the creation is lost, or says
// that the service failed, Create looks for the job by its tag for about half a
// minute and returns it if it is there. If it is not, the error is an
// [*OutcomeError]. Only a job whose tag the package chose can be found in this
// way: with a tag of your own, which need not be unique, the error comes at once.
func (s *JobsService) Create(ctx context.Context, r *JobRequest, opts ...CallOption) (*Job, error) {
	creation, err := newJobCreation(r)
	if err != nil {
		return nil, err
	}
	job, err := s.create(ctx, creation, opts)
	return job, creation.asError(err)
}

// CreateAndWait creates a job and returns it when it has ended, in a single
// request if all goes well, the job has no tag of your own, and it does not find
// out about limits for others that are created at the same time. If the context
// ends during that request, the error is an [*OutcomeError]: the job is most
// likely there, but its id never came, and it can be found by the tag in the
// error. If the job ends in error, it is returned together with a [*JobError].
// Everything else is as with [JobsService.Create] and [JobsService.Wait].
//
// A job that waits for an upload would never end: it is refused. Create it,
// upload, and wait.
func (s *JobsService) CreateAndWait(ctx context.Context, r *JobRequest, opts ...CallOption) (*Job, error) {
	creation, err := newJobCreation(r)
	if err != nil {
		return nil, err
	}
	return s.createUntilEnd(ctx, r, creation, opts)
}

// CreateForURL creates a job and returns the URL of its first exported file when
// the job has finished, in a single request with a response of a few bytes if all
// goes well and the job has no tag of your own. The URL is not followed. It is a
// secret, see [File]. Everything else is as with [JobsService.CreateAndWait].
func (s *JobsService) CreateForURL(ctx context.Context, r *JobRequest, opts ...CallOption) (string, error) {
	var request JobRequest
	if r != nil {
		request = *r
	}
	request.Redirect = true
	creation, err := newCreation(&request)
	if err != nil {
		return "", err
	}
	creation.redirect = true
	job, err := s.createUntilEnd(ctx, &request, creation, opts)
	if err != nil || creation.url != "" {
		return creation.url, err
	}
	for _, file := range job.Files() {
		if file.URL != "" {
			return file.URL, nil
		}
	}
	return "", fmt.Errorf("cloudconvert: job %s has no exported file", job.ID)
}

// newJobCreation is newCreation for calls that return the job.
func newJobCreation(r *JobRequest) (*creation, error) {
	creation, err := newCreation(r)
	if err == nil && r.Redirect {
		err = invalid(errors.New("a redirect gives a URL instead of the job: use CreateForURL"))
	}
	return creation, err
}

// createUntilEnd creates a job and returns it when it has ended, or nil if the
// response was a URL.
func (s *JobsService) createUntilEnd(ctx context.Context, r *JobRequest, c *creation, opts []CallOption) (*Job, error) {
	if name, found := r.Tasks.uses(OperationImportUpload); found {
		return nil, invalid(fmt.Errorf("task %q waits for an upload: use Create, Upload and Wait", name))
	}
	job, err := s.createAndWait(ctx, c, opts)
	switch {
	case err != nil:
		return nil, c.asError(err)
	case job == nil:
		s.client.core.queue.jobEnded()
		return nil, nil //nolint:nilnil // the URL came instead
	case job.Status.Terminal():
		return job, s.outcome(job)
	}
	return s.wait(ctx, job.ID, waiting{last: job.Status})
}

// Get returns a job with its tasks.
func (s *JobsService) Get(ctx context.Context, id string, opts ...CallOption) (*Job, error) {
	path, err := pathOf("jobs", id)
	if err != nil {
		return nil, err
	}
	return object[Job](ctx, s.client.core, call{method: http.MethodGet, path: path}, opts)
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

// Include names something that an answer leaves out unless it is asked for.
type Include string

// What can be asked for: tasks in lists of jobs, and everything else with tasks.
const (
	IncludeTasks          Include = "tasks"
	IncludeRetries        Include = "retries"
	IncludeDependsOnTasks Include = "depends_on_tasks"
	IncludePayload        Include = "payload"
	IncludeJob            Include = "job"
)

// List returns one page of jobs.
func (s *JobsService) List(ctx context.Context, options JobListOptions, opts ...CallOption) (*Page[Job], error) {
	query, err := queryOf(options)
	if err != nil {
		return nil, err
	}
	return list[Job](ctx, s.client.core, "/jobs", query, opts)
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
	return all(ctx, s.client.core, "/jobs", query, func(j *Job) any { return j.ID }, opts)
}

// Delete deletes a job with its tasks and files. A running job is abandoned; to
// end it and keep it, use [JobsService.Cancel]. The service deletes jobs by itself
// 24 hours after they ended.
func (s *JobsService) Delete(ctx context.Context, id string, opts ...CallOption) error {
	path, err := pathOf("jobs", id)
	if err != nil {
		return err
	}
	if err := remove(ctx, s.client.core, path, opts); err != nil {
		return err
	}
	s.client.core.queue.jobEnded()
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
	var failures []error
	for _, task := range sortedByName(job.Tasks) {
		if task.Status.Terminal() {
			continue
		}
		if _, err := s.client.Tasks.Cancel(ctx, task.ID, opts...); err != nil && !s.client.Tasks.hasEnded(ctx, task.ID) {
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
	return s.client.core.redirect(ctx, call{
		method: http.MethodGet,
		path:   path,
		query:  map[string][]string{"redirect": {"true"}},
	}, opts)
}

// sortedByName returns tasks in an order that does not change between answers.
func sortedByName(tasks []Task) []Task {
	return slices.SortedStableFunc(slices.Values(tasks), compareTasks)
}
