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
	// maxReads is how many jobs a handler of unsigned deliveries reads concurrently.
	maxReads = 4
	// readTimeout bounds such a read, retries included. The service delivers again,
	// so that a longer wait would gain nothing and block the reads of others.
	readTimeout = 10 * time.Second
)

// UnsignedHandler returns a handler for deliveries without a signature: those to the
// [JobRequest.WebhookURL] of a job, for which the service documents none. It believes
// nothing in a delivery but the id of the job: it reads that job, derives the event
// from its status, and passes both to handle, with the context of the request. It
// ignores signatures; registered webhooks have [WebhookHandler].
//
// A job is passed to handle once: a repeat returns 204 without a request to the API,
// and a repeat of what is being handled waits for the result. The last 1024 jobs
// are remembered, with the limits that [OncePerEvent] describes.
//
//	handle returns nil                    204   done
//	the account has no such job           204   done, handle is not called
//	the job has not ended                 503   delivered again, up to three times
//	the API fails or takes 10 seconds     503   the same
//	four other jobs are being read        503   the same
//	handle returns an error or panics     500   the same, as with WebhookHandler
//	no id of a job                        400   not delivered again
//	no POST, no JSON, over 8 MB           405, 415, 413
//
// Anyone who knows the URL can send deliveries, too. They cannot invent a job or its
// status, but they can cause reads of the API, four of which suffice to have other
// deliveries come again, and, with the id of any other job of the account that has
// ended, a call of handle. Put a secret into the path of the URL, from
// [crypto/rand.Text] for example, and check in handle that [Job.Tag] is one that your
// program has set for this URL.
func (s *WebhooksService) UnsignedHandler(handle func(context.Context, *WebhookEvent) error) (http.Handler, error) {
	if handle == nil {
		return nil, errors.New("cloudconvert: the function that handles webhooks is nil")
	}
	return &unsignedHandler{
		jobs:   (*JobsService)(s),
		handle: handle,
		memory: newEventMemory(maxHandled),
		reads:  make(chan struct{}, maxReads),
	}, nil
}

type unsignedHandler struct {
	jobs   *JobsService
	handle func(context.Context, *WebhookEvent) error
	memory *eventMemory
	reads  chan struct{} // has an element for each read under way
}

// ServeHTTP handles a delivery.
func (h *unsignedHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readWebhook(r)
	if err != nil {
		refuse(w, err)
		return
	}
	id, ok := deliveredJob(body)
	if !ok {
		answer(w, http.StatusBadRequest)
		return
	}
	if status := h.deliver(r, id); status != http.StatusNoContent {
		answer(w, status)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// jobIDs are UUIDs.
var jobIDs = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// deliveredJob returns the id in the body of a delivery.
func deliveredJob(body []byte) (id string, ok bool) {
	var wire struct {
		Job struct {
			ID string `json:"id"`
		} `json:"job"`
	}
	err := json.Unmarshal(body, &wire)
	return wire.Job.ID, err == nil && jobIDs.MatchString(wire.Job.ID)
}

// deliver handles the end of a job unless that has been done, and returns the
// status of the response. A job ends once, so its id alone identifies the event,
// which is not known before the job has been read.
func (h *unsignedHandler) deliver(r *http.Request, id string) int {
	key := eventKey{job: id}
	mine, err := h.memory.begin(r.Context(), key)
	switch {
	case err != nil:
		return http.StatusServiceUnavailable
	case mine == nil:
		return http.StatusNoContent
	}
	defer func() { h.memory.end(key, mine) }()
	job, status := h.read(r.Context(), id)
	if job == nil {
		return status
	}
	event := &WebhookEvent{Event: EventJobFinished, Job: *job}
	if job.Status == StatusError {
		event.Event = EventJobFailed
	}
	if handleContained(r, h.handle, event) != nil {
		return http.StatusInternalServerError
	}
	mine.succeeded = true
	return http.StatusNoContent
}

// read returns a job that has ended, or else the status of the response.
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
