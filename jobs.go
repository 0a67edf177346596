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

// Create creates a job and returns at once, while it waits or runs. The request is
// validated first, see [JobRequest.Validate]. It may name no local sources: [Client.Start]
// and [Client.Run] send those.
//
// A job is never created twice. If the response to the creation is lost, or says
// that the service failed, Create looks for the job by its tag for about half a
// minute and returns it if it is there. If it is not, the error is an
// [*OutcomeError]. Only a job whose tag the package chose can be found in this
// way: with a tag of your own, which need not be unique, the error comes at once.
func (s *JobsService) Create(ctx context.Context, r *JobRequest, opts ...CreateOption) (*Job, error) {
	config, err := newCreateConfig(opts)
	if err != nil {
		return nil, err
	}
	body, err := r.remoteBody()
	if err != nil {
		return nil, err
	}
	if r.Redirect {
		return nil, errRedirect
	}
	creation := newCreation(body)
	job, err := s.create(ctx, creation, config)
	return job, creation.asError(err)
}

// CreateForURL creates a job and returns the URL of its first exported file when
// the job has finished, in a single request with a response of a few bytes if all
// goes well and the job has no tag of your own. The URL is not followed. It is a
// secret, see [File]. Everything else is as with [Client.Run], but that the job needs an
// export/url task and may name no local sources.
func (s *JobsService) CreateForURL(ctx context.Context, r *JobRequest, opts ...CreateOption) (string, error) {
	config, err := newCreateConfig(opts)
	if err != nil {
		return "", err
	}
	var request JobRequest
	if r != nil {
		request = *r
	}
	request.Redirect = true
	body, err := request.remoteBody()
	if err != nil {
		return "", err
	}
	if name, found := request.Tasks.uses(OperationImportUpload); found {
		return "", invalid(fmt.Errorf("task %q waits for an upload: use Start, Upload and ResultURL", name))
	}
	creation := newCreation(body)
	creation.redirect = true
	return s.createForURL(ctx, creation, config)
}

func (s *JobsService) createForURL(ctx context.Context, c *creation, config createConfig) (string, error) {
	job, err := s.createAndWait(ctx, c, config)
	switch {
	case err != nil:
		return "", c.asError(err)
	case c.url != "":
		s.core.queue.JobEnded()
		return c.url, nil
	case job.Status.Terminal():
		err = s.outcome(job)
	default:
		job, err = s.wait(ctx, job.ID, waiting{last: job.Status})
	}
	if err != nil {
		return "", err
	}
	for _, file := range job.Files() {
		if file.URL != "" {
			return file.URL, nil
		}
	}
	return "", fmt.Errorf("cloudconvert: job %s has no exported file", job.ID)
}

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
