package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// File is a file to download from storage.
type File struct {
	// URL is the URL of the file, see [Client.ParseURL].
	URL *url.URL
	// Size is the size that the file must have. Zero or less means that it is unknown.
	Size int64
	// Renew returns a new URL for the file. It is called at most once, after storage
	// refused the first URL, which may have expired. It may be nil.
	Renew func(ctx context.Context) (*url.URL, error)
	// Restart discards the bytes delivered so far, for a download that cannot be resumed.
	// It is nil if that is impossible.
	Restart func() error
	// Report is called with the number of bytes delivered. It may be nil.
	Report func(done, total int64)
	// Attempted is called before each attempt. It may be nil.
	Attempted func()
}

// Download writes a file to w and returns the number of bytes written. Its errors are
// those of [Config.Fail], and those of w with a prefix.
func (c *Client) Download(ctx context.Context, file File, w io.Writer) (int64, error) {
	d := c.newDownload(ctx, file)
	defer d.close()
	if err := d.ready(); err != nil {
		return 0, err
	}
	return copyTo(w, d, d.total)
}

// download reads a file, in several attempts if necessary. It is not safe for concurrent
// use.
type download struct {
	File

	client    *Client
	ctx       context.Context // of the call
	redirects *redirects
	meter     meter

	total     int64     // size of the file, or -1 while it is unknown
	validator validator // of the bytes delivered
	offset    int64     // number of bytes delivered

	attempt  *downloadAttempt // nil between attempts
	attempts int
	furthest int64 // largest offset at which an attempt failed
	failures int   // attempts in a row without progress
	end      error // final result: io.EOF after the whole file, or an error
}

func (c *Client) newDownload(ctx context.Context, file File) *download {
	d := &download{
		File: file, client: c, ctx: ctx,
		redirects: c.newRedirects(engine.URLSecrets(file.URL)), meter: meter{report: file.Report},
	}
	d.total = d.wantSize()
	return d
}

// wantSize returns the size that the file must have, or -1.
func (d *download) wantSize() int64 {
	if d.Size > 0 {
		return d.Size
	}
	return -1
}

// Read delivers the next bytes. It retries failed attempts, so its error is final.
func (d *download) Read(p []byte) (int, error) {
	for {
		if err := d.ready(); err != nil {
			return 0, err
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, failed := d.read(p)
		if failed != nil {
			d.end = d.resume(*failed)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// ready makes attempts until there is a response to read.
func (d *download) ready() error {
	for d.end == nil && d.ctx.Err() == nil && d.attempt == nil {
		if failed := d.connect(); failed != nil {
			d.end = d.resume(*failed)
		}
	}
	if d.end == nil && d.ctx.Err() != nil {
		d.end = d.resume(Outcome{})
	}
	return d.end
}

// read reads from the attempt, and checks that the file ends where it should.
func (d *download) read(p []byte) (int, *Outcome) {
	n, err := d.attempt.Read(p)
	switch {
	case d.attempt.partial && int64(n) > d.attempt.left:
		return 0, d.startOver(errors.New("storage sent more bytes than the range that it announced"))
	case n > 0 && d.total >= 0 && d.offset+int64(n) > d.total:
		return 0, d.attempt.failure(fmt.Errorf("the file is longer than the %d bytes it should have", d.total), false)
	case n > 0:
		d.offset += int64(n)
		d.attempt.left -= int64(n)
		d.meter.moved(d.offset, d.total)
		return n, nil
	case err == nil:
		return 0, nil
	case d.offset == d.total, err == io.EOF && d.total < 0 && d.attempt.skip == 0 && !d.attempt.partial: //nolint:errorlint // as io.Reader specifies.
		d.finish()
		return 0, nil
	case err != io.EOF: //nolint:errorlint // as io.Reader specifies.
		return 0, d.attempt.failure(explainAttempt(d.attempt.ctx, err), true)
	case d.attempt.partial:
		return 0, d.attempt.failure(io.ErrUnexpectedEOF, true)
	case d.attempt.skip > 0:
		return 0, d.startOver(ErrChanged)
	default:
		return 0, d.attempt.failure(fmt.Errorf("the file ended after %d bytes and should have %d", d.offset, d.total), false)
	}
}

// finish ends a complete download.
func (d *download) finish() {
	d.meter.ended(d.offset)
	d.end = io.EOF
	d.close()
}

// close closes the attempt, if there is one.
func (d *download) close() {
	if d.attempt != nil {
		d.attempt.close()
		d.attempt = nil
	}
}

// resume pauses before the next attempt, or returns the final error.
func (d *download) resume(failed Outcome) error {
	d.close()
	failed = d.redirects.hide(failed)
	failed.Attempts = d.attempts
	if d.offset > d.furthest {
		d.furthest, d.failures = d.offset, 0
	}
	switch {
	case d.ctx.Err() != nil:
		return d.fail(errorOutcome(d.ctx.Err()))
	case !d.client.retryable(failed, d.failures):
		return d.fail(failed)
	case d.offset > 0 && d.validator.tag == "" && d.Restart == nil:
		failed.Err = fmt.Errorf("%w; cannot resume after %d bytes without a strong entity tag", failed.Err, d.offset)
		return d.fail(failed)
	}
	attrs := append(attemptAttrs(http.MethodGet, d.URL, failed), slog.Int64("offset", d.offset))
	fits, err := d.client.pause(d.ctx, failed, d.failures, "cloudconvert: resuming download", attrs)
	d.failures++
	switch {
	case err != nil:
		return d.fail(errorOutcome(err))
	case !fits:
		return d.fail(failed)
	}
	return nil
}

// fail returns the final error. It must not match io.EOF.
func (d *download) fail(failed Outcome) error {
	if errors.Is(failed.Err, io.EOF) {
		failed.Err = fmt.Errorf("%w: %s", io.ErrUnexpectedEOF, failed.Err.Error())
	}
	failed.Attempts = d.attempts
	return d.client.config.Fail(http.MethodGet, pathOf(d.URL), failed)
}
