package cloudconvert

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"time"
)

const (
	// maxReads limits how many jobs a handler of unsigned deliveries reads
	// concurrently.
	maxReads = 4
	// readTimeout limits such a read, including its retries. The service retries
	// the delivery, so a longer wait would only block other reads.
	readTimeout = 10 * time.Second
)

// UnsignedHandler returns an HTTP handler for deliveries without a signature: those
// to the [JobRequest.WebhookURL] of a job, for which the service documents no
// signature. It trusts only the job id in a delivery: it reads the job from the API,
// derives the event from its status, and calls handle with both and the context of
// the request. It ignores signatures; for registered webhooks, use [WebhookHandler].
//
// Repeated deliveries are dropped as with [OncePerEvent], within the same limits,
// for the last 1024 jobs. A repeat of a job that has been handled gets 204
// without a request to the API.
//
// The service retries a delivery, up to three times, depending on the status of
// the response:
//
//	handle returns nil                    204   done
//	the account has no such job           204   done; handle is not called
//	the job has not ended                 503   retried
//	the API fails or takes 10 seconds     503   retried
//	four other jobs are being read        503   retried
//	handle returns an error or panics     500   retried, as with WebhookHandler
//	no job id                             400   not retried
//	not POST, not JSON, over 8 MB         405, 415, 413
//
// Anyone who knows the URL can send deliveries, too. They cannot invent a job or
// its status, but they can cause API reads, four of which are enough to defer
// other deliveries. With the id of any other job of the account that has ended
// they can cause a call of handle. Put a secret in the path of the URL, for
// example from [crypto/rand.Text], and check in handle that [Job.Tag] is a tag
// that your program has set for this URL.
func (s *WebhooksService) UnsignedHandler(handle func(context.Context, *WebhookEvent) error) (http.Handler, error) {
	if handle == nil {
		return nil, errors.New("cloudconvert: the webhook function is nil")
	}
	return &unsignedHandler{
		jobs:   (*JobsService)(s),
		handle: handle,
		events: newEventTracker(maxHandled),
		reads:  make(chan struct{}, maxReads),
	}, nil
}

type unsignedHandler struct {
	jobs   *JobsService
	handle func(context.Context, *WebhookEvent) error
	events *eventTracker
	reads  chan struct{} // has an element for each running read
}

// ServeHTTP implements [http.Handler].
func (h *unsignedHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readWebhook(r)
	if err != nil {
		respondError(w, err)
		return
	}
	id, ok := deliveredID(body)
	if !ok {
		respondStatus(w, http.StatusBadRequest)
		return
	}
	if status := h.deliver(r, id); status != http.StatusNoContent {
		respondStatus(w, status)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// jobIDPattern matches the id of a job, which is a UUID.
var jobIDPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// deliveredID returns the job id in the body of a delivery.
func deliveredID(body []byte) (id string, ok bool) {
	var wire struct {
		Job struct {
			ID string `json:"id"`
		} `json:"job"`
	}
	err := json.Unmarshal(body, &wire)
	return wire.Job.ID, err == nil && jobIDPattern.MatchString(wire.Job.ID)
}

// deliver handles the end of a job once and returns the status of the response.
// The key has no event, since that is not known until the job has been read. The
// id is enough: a job ends once.
func (h *unsignedHandler) deliver(r *http.Request, id string) int {
	key := eventKey{job: id}
	current, err := h.events.begin(r.Context(), key)
	switch {
	case err != nil:
		return http.StatusServiceUnavailable
	case current == nil:
		return http.StatusNoContent
	}
	defer func() { h.events.end(key, current) }()
	job, status := h.read(r.Context(), id)
	if job == nil {
		return status
	}
	event := &WebhookEvent{Event: EventJobFinished, Job: *job}
	if job.Status == StatusError {
		event.Event = EventJobFailed
	}
	if callRecovering(r, h.handle, event) != nil {
		return http.StatusInternalServerError
	}
	current.succeeded = true
	return http.StatusNoContent
}

// read returns the job if it has ended. Otherwise it returns nil and the status
// of the response.
func (h *unsignedHandler) read(ctx context.Context, id string) (*Job, int) {
	select {
	case h.reads <- struct{}{}:
		defer func() { <-h.reads }()
	default:
		return nil, http.StatusServiceUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	job, err := h.jobs.Get(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, http.StatusNoContent
	case err != nil || !job.Status.Terminal():
		return nil, http.StatusServiceUnavailable
	}
	return job, http.StatusOK
}
