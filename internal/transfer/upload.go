package transfer

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
)

// Upload is a file to upload to storage.
type Upload struct {
	// URL is the URL that the form is posted to, see [Client.ParseURL].
	URL  *url.URL
	Form *multipart.Form
	// Content is the file. If it is not replayable, the upload is not retried.
	Content *content.Content
	// Secrets are the values of the form's fields, which a response may repeat.
	Secrets []string
	// Report is called with the number of bytes sent. It may be nil.
	Report func(done, total int64)
	// Attempted is called before each attempt. It may be nil.
	Attempted func()
}

// Upload uploads a file. It retries failed attempts, since storage replaces a file that
// exists. It does not close the content.
func (c *Client) Upload(ctx context.Context, file Upload) error {
	redirects := c.newRedirects(append(engine.URLSecrets(file.URL), file.Secrets...))
	progress := &meter{report: file.Report}
	for failures := 0; ; failures++ {
		attempt := &uploadAttempt{client: c, Upload: file, redirects: redirects, meter: progress}
		if file.Attempted != nil {
			file.Attempted()
		}
		begun := time.Now()
		outcome := redirects.hide(attempt.run(ctx))
		outcome.Attempts = failures + 1
		attrs := attemptAttrs(http.MethodPost, file.URL, outcome)
		c.config.Logger.LogAttrs(ctx, slog.LevelDebug, "cloudconvert: upload", append(attrs, slog.Duration("duration", time.Since(begun)))...)
		if outcome.Err == nil && isStored(outcome.Status, http.MethodPost) {
			progress.ended(file.Content.Size)
			return nil
		}
		if !file.Content.Replayable || !c.retryable(outcome, failures) {
			return c.config.Fail(http.MethodPost, pathOf(file.URL), outcome)
		}
		fits, err := c.pause(ctx, outcome, failures, "cloudconvert: retrying upload", attrs)
		if err != nil {
			outcome.Err = err
		}
		if err != nil || !fits {
			return c.config.Fail(http.MethodPost, pathOf(file.URL), outcome)
		}
	}
}
