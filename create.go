package cloudconvert

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// WithQueueing makes the creation of a job wait while too many jobs of the account run at
// once, as long as the context lasts, instead of returning [ErrTooManyJobs]. One creation
// at a time makes attempts for all goroutines of the client, in growing pauses, and as soon
// as a job that the client knows of has ended. An account out of credits is not waited for.
//
// If the context ends first, the error matches both ErrTooManyJobs and the error of the
// context.
func WithQueueing() CreateOption {
	return createOption{"WithQueueing", func(c *createConfig) { c.queueing = true }}
}

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

// A creation is a job that must not be created twice.
type creation struct {
	body jobBody
	// own tells that the tag is ours, and so unique: it can settle an outcome.
	own bool
	// pending reports that the job waits for an upload, which its creation is followed by.
	pending bool
	// journaled reports that the next run with the journal looks for the job.
	journaled bool
	// redirect asks the host that waits for the URL of the first exported file.
	redirect bool
	url      string // the response to redirect, if it came
}

// newCreation returns the creation of a job.
func newCreation(body jobBody) *creation {
	c := &creation{body: body}
	if c.body.Tag == "" {
		c.own = true
		c.body.Tag = newTag()
	}
	return c
}

// newTag returns a tag that no other job has.
func newTag() string { return "cloudconvert-go-" + rand.Text() }

// asError adds the tag to a failure that leaves open whether there is a job.
func (c *creation) asError(err error) error {
	if isOpen(err) {
		return &OutcomeError{Tag: c.body.Tag, pending: c.pending, journaled: c.journaled, err: err}
	}
	return err
}

// create sends the request to the host that answers at once.
func (s *JobsService) create(ctx context.Context, c *creation, config createConfig) (*Job, error) {
	var job *Job
	var err error
	post := func() (full bool) {
		s.core.logRetry(ctx, err)
		job, err = s.post(ctx, call{in: c.body, queueing: config.queueing}, config.calls)
		return errors.Is(err, ErrTooManyJobs)
	}
	if !config.queueing {
		post()
	} else if ended := s.core.queue.Do(ctx, post); ended != nil {
		return nil, fmt.Errorf("%w: %w", ErrTooManyJobs, ended)
	}
	return s.settle(ctx, c, job, err)
}

// createAndWait sends the request to the host that answers when the job has
// ended. The job it returns may still be running.
func (s *JobsService) createAndWait(ctx context.Context, c *creation, config createConfig) (*Job, error) {
	// A long answer is easily lost, and a tag that need not be unique cannot
	// settle it: that is worth a second request.
	if !c.own || s.core.queue.IsBusy() {
		return s.create(ctx, c, config)
	}
	body := c.body
	body.Redirect = c.redirect
	post := call{in: body, sync: true, once: true, timeout: syncSlice, queueing: config.queueing}
	var response Response
	if c.redirect {
		post.captures = []*Response{&response}
	}
	job, err := s.post(ctx, post, config.calls)
	if c.redirect && response.StatusCode/100 == 3 {
		if c.url = redirectURL(response.StatusCode, response.Header); c.url != "" {
			return nil, nil //nolint:nilnil // the URL came instead
		}
		if e, ok := errors.AsType[*Error](err); ok {
			e.open = true // the job may have run, but the response says nothing of it
		}
	}
	if isElsewherePossible(err, config) {
		s.core.logRetry(ctx, err)
		job, elsewhere := s.create(ctx, c, config)
		if isHeldBack(elsewhere) && errors.Is(err, ErrRateLimited) {
			return nil, withAttemptsOf(err, elsewhere) // the service's own words
		}
		return job, withAttemptsOf(elsewhere, err)
	}
	return s.settle(ctx, c, job, err)
}

// withAttemptsOf returns an error that also counts the attempts of another one.
func withAttemptsOf(err, other error) error {
	e, ok := errors.AsType[*Error](err)
	if o, both := errors.AsType[*Error](other); ok && both {
		e.Attempts += o.Attempts
	}
	return err
}

// isElsewherePossible reports whether a job that the one host did not create may
// be created on the other. After a refusal for a limit that is where to find out
// whether there is room again, because the response comes at once.
func isElsewherePossible(err error, config createConfig) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.unsent || errors.Is(e, ErrRateLimited) || errors.Is(e, ErrTooManyJobs) && config.queueing)
}

func (s *JobsService) post(ctx context.Context, call call, opts []CallOption) (*Job, error) {
	call.method, call.path, call.limited = http.MethodPost, "/jobs", true
	return object[Job](ctx, s.core, call, opts)
}

// lookups is how often a lost job is looked for. With the pauses between them,
// which double from lookupPause, the service has half a minute to recover.
const (
	lookups       = 6
	lookupPause   = time.Second
	lookupTimeout = 10 * time.Second
	settleTime    = lookupPause<<(lookups-1) - lookupPause
)

// lookup makes a call that is not worth repeating by itself.
var lookup = callOption{"lookup", func(c *call) error {
	c.once, c.timeout = true, lookupTimeout
	return nil
}}

// settle turns an open outcome into the job that was created, if it can be found.
func (s *JobsService) settle(ctx context.Context, c *creation, job *Job, err error) (*Job, error) {
	if !isOpen(err) || !c.own {
		return job, err
	}
	for attempt := range lookups {
		if attempt > 0 && poll.Pause(ctx, lookupPause<<(attempt-1)) != nil {
			break
		}
		found, failure := s.find(ctx, c.body.Tag, lookup)
		if found != nil {
			s.core.config.logger.LogAttrs(ctx, slog.LevelWarn,
				"cloudconvert: the answer was lost, but the job was created", slog.String("job", found.ID), slog.Any("error", err))
			return found, nil
		}
		if failure != nil && !isTransient(failure) {
			break
		}
	}
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w; the search for the job ended: %w", err, ended)
	}
	return nil, err
}

// find returns the job with a tag, or nil if there is none.
func (s *JobsService) find(ctx context.Context, tag string, opts ...CallOption) (*Job, error) {
	page, err := s.List(ctx, JobListOptions{Tag: tag, Include: []Include{IncludeTasks}}, opts...)
	if err != nil {
		return nil, err
	}
	for _, job := range page.Data {
		if job.Tag == tag {
			return &job, nil
		}
	}
	return nil, nil //nolint:nilnil // a job that is not there is no failure.
}
