package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// Upload sends a file to an import/upload task that waits for it. [Job.Task] finds
// the task in a new job. The task then goes on by itself.
//
// The file is streamed with its exact length, and is not held in memory. An upload
// that broke, stalled or met a failure of storage is retried if the source allows
// it, see [FromReader] and [TransferPolicy]: storage replaces what it has. The pauses
// are those of [RetryPolicy]. If storage refuses the file, the error is an [*Error].
// The API key is not sent to storage.
//
// A success that comes before all of the file was sent is an error. A recorder or a
// mock in place of the transport need not read the file: its response counts if it
// has read none of it, and reported no connection to package httptrace.
func (s *TasksService) Upload(ctx context.Context, task Task, src Source) error {
	u := &upload{core: s.client.core, task: task, reporter: s.client.core.reporter}
	if err := u.check(src); err != nil {
		return err
	}
	content, err := src.content(ctx, u.core.config.transfers.TempDir, defaultInlineLimit)
	if err != nil {
		return err
	}
	return errors.Join(u.send(ctx, src.name, content), content.Close())
}

// UploadForm returns the form of an import/upload task, for a browser or
// another program to post the file to storage by itself.
func (s *TasksService) UploadForm(ctx context.Context, id string, opts ...CallOption) (*UploadForm, error) {
	task, err := s.Get(ctx, id, opts...)
	if err != nil {
		return nil, err
	}
	if err := checkForm(*task); err != nil {
		return nil, err
	}
	return task.Result.Form, nil
}

// checkForm returns why a file cannot be uploaded to a task.
func checkForm(t Task) error {
	switch {
	case t.ID == "":
		return invalid(errors.New("upload: the task is empty: take one from a job by Job.Task"))
	case t.Operation != OperationImportUpload:
		return invalid(fmt.Errorf("upload: task %s takes no upload: use one of the operation %s", taskLabel(t), OperationImportUpload))
	case t.Status != StatusWaiting:
		return invalid(fmt.Errorf("upload: task %s does not wait for a file any more: it is %s", taskLabel(t), t.Status))
	case t.Result.Form == nil:
		return invalid(fmt.Errorf("upload: task %s has no form: read it again by Tasks.Get", taskLabel(t)))
	}
	return nil
}

// upload sends one file.
type upload struct {
	core   *core
	task   Task
	target *url.URL
	trail  trail

	reporter *reporter
	work     string // by which progress knows the job
}

func (u *upload) check(src Source) error {
	if err := checkForm(u.task); err != nil {
		return err
	}
	if !src.isLocal() {
		return invalid(errors.New("upload: the source is a URL: let an import/url task fetch it"))
	}
	return nil
}

// checkAndSend uploads the content if the task waits for it.
func (u *upload) checkAndSend(ctx context.Context, name string, content *content.Content) error {
	if err := checkForm(u.task); err != nil {
		return err
	}
	return u.send(ctx, name, content)
}

// send uploads the content, several times if need be.
func (u *upload) send(ctx context.Context, name string, content *content.Content) error {
	target, err := url.Parse(u.task.Result.Form.URL)
	if err != nil {
		return invalid(errors.New("upload: the address of the form is no URL"))
	}
	u.target = target
	if err := u.core.config.checkStorageURL(target); err != nil {
		return fmt.Errorf("cloudconvert: upload: %w", err)
	}
	form, err := multipart.New(u.task.Result.Form.multipart(), name, content.Size)
	if err != nil {
		return invalid(fmt.Errorf("upload: %w", err))
	}
	policy := u.core.config.transfers.withDefaults()
	meter := u.reporter.meter(PhaseUpload, u.work, name, content.Size)
	for attempt := 1; ; attempt++ {
		try := &uploadAttempt{core: u.core, target: target, trail: &u.trail, form: form, content: content, meter: meter, stall: policy.StallTimeout}
		began := time.Now()
		answer := try.run(ctx).Hiding(u.secrets()...)
		answer.Attempts = attempt
		attrs := append(u.describe(answer), slog.Duration("duration", time.Since(began)))
		u.core.config.logger.LogAttrs(ctx, slog.LevelDebug, "cloudconvert: upload", attrs...)
		if answer.Err == nil && isTaken(answer.Status, http.MethodPost) {
			meter.end(content.Size)
			u.core.uploads.add(u.task.ID)
			return nil
		}
		if !answer.Open || !content.Replayable || attempt > policy.Resumptions {
			return u.failure(answer)
		}
		wait, fits := u.core.backOff(ctx, answer.Header, attempt-1)
		if !fits {
			return u.failure(answer)
		}
		u.core.leaveSilent(answer.Err)
		attrs = append(u.describe(answer), slog.Duration("pause", wait))
		u.core.config.logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: uploading again", attrs...)
		if err := poll.Pause(ctx, wait); err != nil {
			answer.Err = err
			return u.failure(answer)
		}
	}
}

// secrets returns what a response must not be quoted with: parts of the URLs, and the
// values of the form.
func (u *upload) secrets() []string {
	secrets := slices.AppendSeq(engine.URLSecrets(u.target), maps.Keys(u.trail.secrets))
	for _, field := range u.task.Result.Form.Fields {
		secrets = append(secrets, field.Value)
	}
	return secrets
}

// failure is the error of an upload. Whether it may be made again is not the
// question that it is for creations: it always may, and helps if it broke.
func (u *upload) failure(answer engine.Answer) error {
	e := newError(http.MethodPost, storagePath(u.target), answer)
	e.unsent, e.open = answer.Open, false
	return e
}

// describe returns what records say about an attempt.
func (u *upload) describe(answer engine.Answer) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("method", http.MethodPost), slog.String("path", storagePath(u.target)),
		slog.Int("attempt", answer.Attempts), slog.Int("status", answer.Status),
	}
	if answer.Err != nil {
		attrs = append(attrs, slog.String("error", answer.Err.Error()))
	}
	return attrs
}
