package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
	"github.com/cloudconvert/cloudconvert-go/internal/transfer"
)

// Upload uploads a file to an import/upload task that is waiting for it.
// [Job.Task] returns the task of a new job. After the upload, the task continues
// without another call.
//
// The file is streamed with its exact length, and is not held in memory. If the
// upload breaks, stalls or fails because of storage, it is retried, provided that
// the source can be read again, see [FromReader] and [TransferPolicy]. Each attempt
// replaces what storage has. The pauses are those of [RetryPolicy]. If storage
// refuses the file, the error is an [*Error]. The API key is not sent to storage.
//
// A success response before the whole file has been sent is an error. The exception
// is a recorder or a mock in place of the transport: its success is accepted if it
// has read none of the file and reported no connection to package httptrace.
func (s *TasksService) Upload(ctx context.Context, task Task, src Source) error {
	if err := checkUploadTask(task); err != nil {
		return err
	}
	if !src.isLocal() {
		return invalid(errors.New("upload: the source is a URL: use an import/url task"))
	}
	core := s.core
	content, err := src.content(ctx, core.policy.TempDir, defaultInlineLimit)
	if err != nil {
		return err
	}
	report := core.reporter.transfer(PhaseUpload, "", src.name)
	return errors.Join(core.upload(ctx, task, src.name, content, report), content.Close())
}

// UploadForm returns the form of an import/upload task, with which a browser or
// another program can upload the file to storage.
func (s *TasksService) UploadForm(ctx context.Context, id string, opts ...CallOption) (*UploadForm, error) {
	task, err := s.Get(ctx, id, opts...)
	if err != nil {
		return nil, err
	}
	if err := checkUploadTask(*task); err != nil {
		return nil, err
	}
	return task.Result.Form, nil
}

// checkUploadTask returns an error if a file cannot be uploaded to a task.
func checkUploadTask(t Task) error {
	switch {
	case t.ID == "":
		return invalid(errors.New("upload: the task is empty: get it with Job.Task"))
	case t.Operation != OperationImportUpload:
		return invalid(fmt.Errorf("upload: task %s does not accept uploads: use a task of the operation %s", taskLabel(t), OperationImportUpload))
	case t.Status != StatusWaiting:
		return invalid(fmt.Errorf("upload: task %s no longer waits for a file: its status is %s", taskLabel(t), t.Status))
	case t.Result.Form == nil:
		return invalid(fmt.Errorf("upload: task %s has no form: get it with Tasks.Get", taskLabel(t)))
	}
	return nil
}

// upload uploads content to a waiting task, with the form of the task.
func (c *core) upload(ctx context.Context, task Task, name string, content *content.Content, report func(done, total int64)) error {
	if err := checkUploadTask(task); err != nil {
		return err
	}
	target, err := c.storage.ParseURL(task.Result.Form.URL)
	if err != nil {
		return invalid(fmt.Errorf("upload: the form of task %s: %w", taskLabel(task), err))
	}
	fields := task.Result.Form.multipart()
	form, err := multipart.New(fields, name, content.Size)
	if err != nil {
		return invalid(fmt.Errorf("upload: %w", err))
	}
	var secrets []string
	for _, field := range fields {
		secrets = append(secrets, field.Value)
	}
	begun := Activity{Kind: ActivityUpload, Name: name, JobID: task.JobID, TaskID: task.ID, Bytes: content.Size}
	err = c.observe(ctx, begun, func(ctx context.Context, a *activity) error {
		return c.storage.Upload(ctx, transfer.Upload{
			URL: target, Form: form, Content: content, Secrets: secrets, Report: report, Attempted: a.attempted,
		})
	})
	if err == nil {
		c.uploads.Add(task.ID)
	}
	return err
}

// transferError returns the error of an upload or a download. Unlike a creation, an
// upload can be repeated even if its outcome is unknown. [IsRetryable] knows that of a
// download by its method.
func transferError(method, path string, failed transfer.Outcome) error {
	e := newError(method, path, failed.Outcome)
	e.unsent = method == http.MethodPost && failed.Retryable
	return e
}
