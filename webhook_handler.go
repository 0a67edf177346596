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
	// signatureHeader holds the signature of a delivery.
	signatureHeader = "CloudConvert-Signature"
	// maxWebhook bounds what is read of a delivery. A job with a hundred tasks
	// has some hundred kB.
	maxWebhook = 8 << 20
)

// WebhookEvent is what the service tells a webhook.
type WebhookEvent struct {
	// Event is what happened.
	Event Event `json:"event"`
	// Job is the job, with all of its tasks, as it was at that moment. Decide by
	// Event whether it finished or failed: its Status has been seen empty.
	Job Job `json:"job"`
}

// UnmarshalJSON reads an event, which must at least have a name and a job.
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
		return errors.New("an event has no name or no job")
	}
	*e = WebhookEvent(wire)
	return nil
}

// WebhookHandler returns a handler for the address of a webhook. It verifies
// each delivery and passes it to handle, with the context of the request.
//
// Secrets are the signing secrets of the webhooks, see
// [Webhook.SigningSecret]: at least one, and several while one is being
// replaced. None may be empty, or the error is [ErrNoSecret].
//
// The status of the answer makes the service do the right thing:
//
//	handle returns nil             204   done
//	handle returns an error        500   delivered again, up to three times
//	handle panics                  500   the same; the panic is logged as by net/http
//	signed, but not understood     500   the same, so that its owner finds out
//	no signature or a wrong one    400   not delivered again
//	no POST, no JSON, over 8 MB    405, 415, 413
//
// Each delivery under way is held in memory, which takes at most 8 MB before its
// signature is verified: bound the connections of the server if that matters.
//
// The service waits for the answer: leave long work to a queue or a goroutine.
// The error of handle is neither logged nor sent. Do not expect each event only
// once: a delivery may be repeated, by the service or by whoever has seen one, and
// nothing tells the repeat from the first. Let handle cope with that, see
// [OncePerEvent].
func WebhookHandler(handle func(context.Context, *WebhookEvent) error, secrets ...string) (http.Handler, error) {
	if handle == nil {
		return nil, errors.New("cloudconvert: the function that handles webhooks is nil")
	}
	if err := checkSecrets(secrets); err != nil {
		return nil, err
	}
	secrets = slices.Clone(secrets)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := ParseWebhook(r, secrets...)
		if err != nil {
			refuse(w, err)
			return
		}
		if err := handleContained(r, handle, event); err != nil {
			answer(w, http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}), nil
}

// ParseWebhook reads and verifies a delivery, for those who write a handler of
// their own. It reads at most 8 MB of the body.
//
// The error is [ErrNoSecret], matches [ErrNoSignature] or [ErrSignatureMismatch],
// or says why the request is not a delivery. Answer a
// delivery that was not signed properly with 400 and one that you failed to
// handle with 500, so that it comes again. Never answer 410: the service
// would disable the webhook.
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
		// The service signed it, so it is no attack: one of the two sides has
		// to be mended. A status below 500 would drop the event, and for a
		// time it also disabled webhooks.
		return nil, webhookErrorf(http.StatusInternalServerError, "the webhook is signed but not understood: %w", err)
	}
	return event, nil
}

// readWebhook returns the body of a request that looks like a delivery.
func readWebhook(r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, webhookErrorf(http.StatusMethodNotAllowed, "a webhook is a POST request, not %s", r.Method)
	}
	kind := r.Header.Get("Content-Type")
	if media, _, _ := mime.ParseMediaType(kind); media != "application/json" {
		return nil, webhookErrorf(http.StatusUnsupportedMediaType, "a webhook has JSON in it, not %q", kind)
	}
	tooLong := webhookErrorf(http.StatusRequestEntityTooLarge, "the webhook is longer than %d bytes", maxWebhook)
	switch {
	case r.Body == nil:
		return nil, nil
	case r.ContentLength > maxWebhook:
		return nil, tooLong
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxWebhook+1))
	switch {
	case err != nil:
		return nil, webhookErrorf(http.StatusInternalServerError, "reading the webhook: %w", err)
	case len(body) > maxWebhook:
		return nil, tooLong
	}
	return body, nil
}

// webhookError is why a request was not handled, and what it is answered with.
type webhookError struct {
	status int
	err    error
}

func webhookErrorf(status int, format string, args ...any) error {
	return &webhookError{status, fmt.Errorf("cloudconvert: "+format, args...)}
}

func (e *webhookError) Error() string { return e.err.Error() }

func (e *webhookError) Unwrap() error { return e.err }

// refuse answers what is no delivery, or not to be understood as one.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if refusal, ok := errors.AsType[*webhookError](err); ok {
		status = refusal.status
	}
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	answer(w, status)
}

// answer says nothing about the reason: whoever asks need not know it.
func answer(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }

// handleContained calls handle and makes an error of a panic.
func handleContained(r *http.Request, handle func(context.Context, *WebhookEvent) error, event *WebhookEvent) (err error) {
	defer func() {
		if value := recover(); value != nil {
			logPanic(r, value)
			err = fmt.Errorf("cloudconvert: the function that handles webhooks panicked: %v", value)
		}
	}()
	return handle(r.Context(), event)
}

// logPanic logs as the server would have done, had the panic come through.
func logPanic(r *http.Request, value any) {
	if value == http.ErrAbortHandler { //nolint:errorlint // compared as it is, like the server does.
		return
	}
	logf := log.Printf
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		logf = server.ErrorLog.Printf
	}
	logf("cloudconvert: panic while handling a webhook: %v\n%s", value, debug.Stack())
}
