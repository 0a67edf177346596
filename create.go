package cloudconvert

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// WithQueueing makes the creation of a job wait while too many jobs of the account
// are running, instead of returning [ErrTooManyJobs]. One creation at a time is
// retried for all goroutines of the client: after pauses that grow, and as soon as a
// job that the client knows of has ended. If the account is out of credits, the
// creation does not wait.
//
// If the context ends first, the error matches both ErrTooManyJobs and the error of
// the context.
func WithQueueing() CreateOption {
	return createOption{"WithQueueing", func(c *createConfig) error {
		c.queueing = true
		return nil
	}}
}

// Create creates a job and returns it at once, while it waits or runs. The request is
// validated first, see [JobRequest.Validate]. It cannot contain local sources: use
// [Client.Start] or [Client.Run], which send them.
//
// A job is never created twice. If the response is lost, or says that the service
// failed, Create looks for the job by its tag for about half a minute, and returns the
// job if it finds it. Otherwise the error is an [*OutcomeError]. This requires a tag
// that this package chose. If the request has a Tag, which may not be unique, the error
// is returned at once.
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
	if err := config.checkKey(body.Tag); err != nil {
		return nil, err
	}
	job, err := s.createOrAdopt(ctx, newCreation(body, config), config, s.create)
	return job, config.underKey(err)
}

// CreateForURL creates a job and returns the URL of its first exported file when the
// job has finished. This usually takes a single request with a response of a few bytes,
// unless the request has a Tag. The URL is not followed. It is a secret, see [File].
//
// The job must have an export/url task, and cannot contain local sources. Otherwise
// CreateForURL works as [Client.Run] does.
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
	if err := config.checkKey(body.Tag); err != nil {
		return "", err
	}
	creation := newCreation(body, config)
	creation.redirect = true
	url, err := s.createForURL(ctx, creation, config)
	return url, config.underKey(err)
}

func (s *JobsService) createForURL(ctx context.Context, c *creation, config createConfig) (string, error) {
	job, err := s.createOrAdopt(ctx, c, config, s.createAndWait)
	switch {
	case err != nil:
		return "", err
	case c.url != "":
		s.core.queue.JobEnded()
		return c.url, nil
	case job.Status.Terminal():
		err = s.outcome(job)
	default:
		job, err = s.wait(ctx, job.ID, waiting{seen: job.Status})
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

// createOrAdopt creates a job, unless there is one under the key of the call.
func (s *JobsService) createOrAdopt(ctx context.Context, c *creation, config createConfig, create createFunc) (*Job, error) {
	done, err := s.core.keys.take(ctx, config.key)
	if err != nil {
		return nil, err
	}
	defer done()
	if config.key != "" {
		job, replaced, err := s.adoptByKey(ctx, config, 0, keyedRequest{tasks: c.body.Tasks})
		if job != nil || err != nil {
			return job, err
		}
		c.replaced = replaced
	}
	return c.observe(ctx, s.core, func(ctx context.Context) (*Job, error) {
		job, err := create(ctx, c, config)
		return job, c.asError(err)
	})
}

// observe creates the job as an activity.
func (c *creation) observe(ctx context.Context, core *core, create func(context.Context) (*Job, error)) (*Job, error) {
	begun := Activity{Kind: ActivityCreate, Tag: c.body.Tag, Operations: core.operationsOf(c.body.Tasks, nil)}
	return core.observeJob(ctx, begun, create)
}

// createFunc is create or createAndWait.
type createFunc func(ctx context.Context, c *creation, config createConfig) (*Job, error)

// creation is the state of the creation of a job, which must not be created twice.
type creation struct {
	body jobBody
	// uniqueTag reports that the tag identifies the job: this package chose it, or it is
	// a key.
	uniqueTag bool
	key       string // of the call, "" if there is none
	replaced  string // the id of the job that had the key
	// pending reports that the job waits for an upload after its creation.
	pending bool
	// journaled reports that the next run with the journal looks for the job.
	journaled bool
	// redirect requests the URL of the first exported file as the response.
	redirect bool
	url      string // the URL, if redirect was set and it came
}

// newCreation returns the creation of a job. Its tag is the key or that of the request.
// Without either, newCreation chooses one.
func newCreation(body jobBody, config createConfig) *creation {
	c := &creation{body: body, uniqueTag: body.Tag == "", key: config.key}
	if c.uniqueTag {
		c.body.Tag = cmp.Or(config.tag(), newTag())
	}
	return c
}

// newTag returns a unique tag.
func newTag() string { return "cloudconvert-go-" + rand.Text() }

// asError adds the tag to an error after which the job may exist.
func (c *creation) asError(err error) error {
	if outcomeUnknown(err) {
		return &OutcomeError{Tag: c.body.Tag, pending: c.pending, journaled: c.journaled, key: c.key, err: err}
	}
	return err
}

// create sends the request to the host that responds at once.
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

// createAndWait sends the request to the host that responds when the job has ended. The
// job it returns may still be running.
func (s *JobsService) createAndWait(ctx context.Context, c *creation, config createConfig) (*Job, error) {
	// A response that takes long is easily lost, and a tag that may not be unique does not
	// identify the job: then two requests are safer.
	if !c.uniqueTag || s.core.queue.IsBusy() {
		return s.create(ctx, c, config)
	}
	body := c.body
	body.Redirect = c.redirect
	post := call{in: body, sync: true, once: true, timeout: syncSlice, queueing: config.queueing}
	if c.redirect {
		post.location = &c.url
	}
	job, err := s.post(ctx, post, config.calls)
	if c.url != "" {
		s.remember(c, nil, time.Now())
		return &Job{Tag: c.body.Tag, Status: StatusFinished}, nil // all that the response says
	}
	if e, ok := errors.AsType[*Error](err); ok && c.redirect && e.StatusCode/100 == 3 {
		e.unknown = true // the job may have run
	}
	if canUseAPIHost(err, config) {
		s.core.logRetry(ctx, err)
		job, failure := s.create(ctx, c, config)
		if isHeldBack(failure) && errors.Is(err, ErrRateLimited) {
			return nil, withAttemptsOf(err, failure) // it has the message of the service
		}
		return job, withAttemptsOf(failure, err)
	}
	return s.settle(ctx, c, job, err)
}

// withAttemptsOf adds the attempts of another error to those of an error.
func withAttemptsOf(err, other error) error {
	e, ok := errors.AsType[*Error](err)
	if o, both := errors.AsType[*Error](other); ok && both {
		e.Attempts += o.Attempts
	}
	return err
}

// canUseAPIHost reports whether a job that the sync host did not create may be created
// on the API host. After a refusal for a limit, that host is also used, because it says
// at once whether there is room again.
func canUseAPIHost(err error, config createConfig) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.unsent || errors.Is(e, ErrRateLimited) || errors.Is(e, ErrTooManyJobs) && config.queueing)
}

func (s *JobsService) post(ctx context.Context, call call, opts []CallOption) (*Job, error) {
	call.method, call.path, call.limited = http.MethodPost, "/jobs", true
	return object[Job](ctx, s.core, call, opts)
}

// lookups is how often settle looks for a lost job. The pauses between lookups double from
// lookupPause, so that the service has half a minute to recover.
const (
	lookups       = 6
	lookupPause   = time.Second
	lookupTimeout = 10 * time.Second
	settleTime    = lookupPause<<(lookups-1) - lookupPause
)

// lookup makes a call without retries: settle retries it.
var lookup = callOption{"lookup", func(c *call) error {
	c.once, c.timeout = true, lookupTimeout
	return nil
}}

// settle looks for the job of a creation whose outcome is unknown. It returns the job
// if it finds it, and otherwise err.
func (s *JobsService) settle(ctx context.Context, c *creation, job *Job, err error) (*Job, error) {
	responded := time.Now()
	if !outcomeUnknown(err) || !c.uniqueTag {
		if job != nil {
			s.remember(c, job, responded)
		}
		return job, err
	}
	if job = s.findLost(ctx, c); job != nil {
		s.core.config.logger.LogAttrs(ctx, slog.LevelWarn,
			"cloudconvert: the response was lost, but the job was created", slog.String("job", job.ID), slog.Any("error", err))
		return job, nil
	}
	s.remember(c, nil, responded)
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w; the search for the job ended: %w", err, ended)
	}
	return nil, err
}

// remember records a creation under a key for the next call with the key. job is nil if
// the response was lost, or did not name it.
func (s *JobsService) remember(c *creation, job *Job, at time.Time) {
	if c.key == "" {
		return
	}
	created := keyedCreation{at: at}
	if job != nil {
		created.id = job.ID
	}
	s.core.keys.setCreated(c.body.Tag, created)
}

// findLost looks several times for the job of a creation, and returns nil if it does not
// find it.
func (s *JobsService) findLost(ctx context.Context, c *creation) *Job {
	for attempt := range lookups {
		if attempt > 0 && poll.Pause(ctx, lookupPause<<(attempt-1)) != nil {
			return nil
		}
		found, err := s.find(ctx, c.body.Tag, lookup)
		if found != nil && found.ID != c.replaced {
			return found
		}
		if err != nil && !isTransient(err) {
			return nil
		}
	}
	return nil
}
