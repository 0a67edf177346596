package cloudconvert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net/http"
	"runtime/debug"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

const (
	// signatureHeader has the signature of a delivery.
	signatureHeader = "CloudConvert-Signature"
	// maxWebhook limits the body of a delivery. A job with a hundred tasks has
	// some hundred kB.
	maxWebhook = 8 << 20
)

// WebhookEvent is an event that the service delivers to a webhook.
type WebhookEvent struct {
	// Event is the name of the event.
	Event Event `json:"event"`
	// Job is the job at the time of the event, with all its tasks. Whether it
	// finished or failed is in Event: its Status may be empty.
	Job Job `json:"job"`
}

// UnmarshalJSON decodes an event. An event without a name or a job id is an error.
func (e *WebhookEvent) UnmarshalJSON(data []byte) error {
	var wire struct {
		Event Event `json:"event"`
		Job   Job   `json:"job"`
	}
	if err := lenient.CheckDensity(data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.Event == "" || wire.Job.ID == "" {
		return errors.New("the event has no name or no job id")
	}
	*e = WebhookEvent(wire)
	return nil
}

// WebhookHandler returns an HTTP handler for the URL of a webhook. It verifies
// the signature of each delivery and calls handle with the event and the context
// of the request.
//
// The secrets are the signing secrets of the webhooks, see [Webhook.SigningSecret].
// There must be at least one, and may be several while one is being replaced. If
// none is given or one is empty, the error is [ErrNoSecret].
//
// The service retries a delivery, up to three times, depending on the status of
// the response:
//
//	handle returns nil                204   done
//	handle returns an error           500   retried
//	handle panics                     500   retried; logged as by net/http
//	signed, but cannot be decoded     500   retried, so that it is noticed
//	missing or wrong signature        400   not retried
//	not POST, not JSON, over 8 MB     405, 415, 413
//
// The service waits for the response, so leave long work to a queue or a
// goroutine. The error of handle is neither logged nor sent.
//
// The same event may be delivered more than once: the service retries deliveries,
// and anyone who has seen a delivery can replay it. A repeated delivery looks
// like the first, so handle must be idempotent, see [OncePerEvent].
//
// The event of a job may come before [Client.Start] or [JobsService.Create] has returned
// the job: find the work that it belongs to by the Tag of the job.
//
// The body of each delivery is held in memory, at most 8 MB before its signature
// is verified. Limit the connections of the server if that matters.
func WebhookHandler(handle func(context.Context, *WebhookEvent) error, secrets ...string) (http.Handler, error) {
	if handle == nil {
		return nil, errors.New("cloudconvert: the webhook function is nil")
	}
	if err := checkSecrets(secrets); err != nil {
		return nil, err
	}
	secrets = slices.Clone(secrets)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := ParseWebhook(r, secrets...)
		if err != nil {
			respondError(w, err)
			return
		}
		if err := callRecovering(r, handle, event); err != nil {
			respondStatus(w, http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}), nil
}

// ParseWebhook reads a delivery and verifies its signature. It is for programs
// that do not use [WebhookHandler]. It reads at most 8 MB of the body.
//
// The error is [ErrNoSecret], matches [ErrNoSignature] or [ErrSignatureMismatch],
// or says why the request is not a delivery.
//
// Respond with 400 if the signature is missing or wrong, and with 500 if the
// event could not be handled: the service then retries the delivery. Never
// respond with 410: the service would disable the webhook.
func ParseWebhook(r *http.Request, secrets ...string) (*WebhookEvent, error) {
	if err := checkSecrets(secrets); err != nil {
		return nil, err
	}
	body, err := readWebhook(r)
	if err != nil {
		return nil, err
	}
	if err := VerifySignature(body, r.Header.Get(signatureHeader), secrets...); err != nil {
		return nil, &webhookError{http.StatusBadRequest, err}
	}
	event := new(WebhookEvent)
	if err := json.Unmarshal(body, event); err != nil {
		// The service signed it, so this is a bug of the service or of this package. A
		// status below 500 would drop the event, and at one time it disabled webhooks.
		return nil, webhookErrorf(http.StatusInternalServerError, "cannot decode the signed webhook: %w", err)
	}
	return event, nil
}

// readWebhook checks the method and content type of a request and returns its body.
func readWebhook(r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, webhookErrorf(http.StatusMethodNotAllowed, "not a webhook delivery: the method is %s, not POST", r.Method)
	}
	kind := r.Header.Get("Content-Type")
	if media, _, _ := mime.ParseMediaType(kind); media != "application/json" {
		return nil, webhookErrorf(http.StatusUnsupportedMediaType, "not a webhook delivery: the content type is %q, not application/json", kind)
	}
	tooLong := webhookErrorf(http.StatusRequestEntityTooLarge, "not a webhook delivery: the body is larger than %d bytes", maxWebhook)
	switch {
	case r.Body == nil:
		return nil, nil
	case r.ContentLength > maxWebhook:
		return nil, tooLong
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxWebhook+1))
	switch {
	case err != nil:
		return nil, webhookErrorf(http.StatusInternalServerError, "cannot read the webhook: %w", err)
	case len(body) > maxWebhook:
		return nil, tooLong
	}
	return body, nil
}

// webhookError is an error with the status of the response to the request.
type webhookError struct {
	status int
	err    error
}

func webhookErrorf(status int, format string, args ...any) error {
	return &webhookError{status, fmt.Errorf("cloudconvert: "+format, args...)}
}

func (e *webhookError) Error() string { return e.err.Error() }

func (e *webhookError) Unwrap() error { return e.err }

// respondError responds to a request that [ParseWebhook] rejected.
func respondError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if failure, ok := errors.AsType[*webhookError](err); ok {
		status = failure.status
	}
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	respondStatus(w, status)
}

// respondStatus does not send the reason, which is not for the sender to know.
func respondStatus(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }

// callRecovering calls handle and turns a panic into an error.
func callRecovering(r *http.Request, handle func(context.Context, *WebhookEvent) error, event *WebhookEvent) (err error) {
	defer func() {
		if value := recover(); value != nil {
			logPanic(r, value)
			err = fmt.Errorf("cloudconvert: the webhook function panicked: %v", value)
		}
	}()
	return handle(r.Context(), event)
}

// logPanic logs a recovered panic as the server would have logged it.
func logPanic(r *http.Request, value any) {
	if value == http.ErrAbortHandler { //nolint:errorlint // net/http compares it in the same way.
		return
	}
	logf := log.Printf
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		logf = server.ErrorLog.Printf
	}
	logf("cloudconvert: panic while handling a webhook: %v\n%s", value, debug.Stack())
}
