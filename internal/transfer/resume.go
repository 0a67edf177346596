package transfer

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// ErrChanged means that the file in storage was replaced after some of its bytes had been
// delivered.
var ErrChanged = errors.New("the file changed while it was downloaded")

// connect makes an attempt. If it returns nil, there is a body to read, or the download
// has ended.
func (d *download) connect() *Outcome {
	req, err := d.request()
	if err != nil {
		failed := errorOutcome(err)
		return &failed
	}
	ranged := req.Header.Get("Range") != ""
	d.attempts++
	if d.Attempted != nil {
		d.Attempted()
	}
	d.attempt = d.client.newDownloadAttempt(d.ctx)
	if failed := d.attempt.send(req, d.redirects); failed != nil {
		return failed
	}
	status := d.attempt.resp.StatusCode
	received := responseOutcome(d.attempt.resp)
	received.Attempts = d.attempts
	attrs := attemptAttrs(http.MethodGet, d.URL, received)
	d.client.config.Logger.LogAttrs(d.ctx, slog.LevelDebug, "cloudconvert: download", append(attrs, slog.Int64("offset", d.offset))...)
	switch {
	case status == http.StatusOK:
		return d.handle200()
	case status == http.StatusPartialContent && ranged:
		return d.handle206()
	case status == http.StatusRequestedRangeNotSatisfiable && ranged:
		return d.handle416()
	case status == http.StatusPreconditionFailed && ranged:
		return d.startOver(ErrChanged)
	case status == http.StatusForbidden && d.Renew != nil:
		return d.renew()
	case engine.IsSuccess(status):
		return d.attempt.failure(errors.New("a response with this status does not contain a file"), false)
	default:
		return d.attempt.refusal()
	}
}

// request returns a request for the missing bytes.
func (d *download) request() (*http.Request, error) {
	req, err := d.client.newRequest(d.ctx, http.MethodGet, d.URL)
	if err != nil {
		return nil, err
	}
	// Any other encoding would change the length.
	req.Header.Set("Accept-Encoding", "identity")
	if d.offset > 0 && d.validator.tag != "" {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(d.offset, 10)+"-")
		req.Header.Set("If-Range", d.validator.tag)
	}
	return req, nil
}

// renew makes an attempt with a new URL, after the first one was refused.
func (d *download) renew() *Outcome {
	refusal := d.attempt.refusal()
	d.close()
	renewed, err := d.Renew(d.ctx)
	d.Renew = nil
	if err != nil {
		refusal.Err = fmt.Errorf("cannot renew the URL: %w", err)
		return refusal
	}
	d.URL = renewed
	return d.connect()
}

// handle200 handles a response with the whole file.
func (d *download) handle200() *Outcome {
	resp := d.attempt.resp
	announced, found := announcedLength(resp), newValidator(d.redirects.request.URL, resp)
	switch {
	case d.offset == 0:
		d.total = d.wantSize()
	case d.validator.proves(found) && (announced < 0 || d.total < 0 || announced == d.total):
		d.attempt.skip = d.offset
	default:
		if err := d.rewind(ErrChanged); err != nil {
			return d.attempt.failure(err, false)
		}
	}
	switch {
	case announced < 0 && d.total < 0 && endsWithConnection(resp):
		return d.attempt.failure(errors.New("unknown file size: a truncated download could not be detected"), false)
	case d.total < 0 && found.encoding != "":
		return d.attempt.failure(fmt.Errorf("storage sends the file encoded as %s, which was not requested", found.encoding), false)
	case announced >= 0 && d.total >= 0 && announced != d.total:
		return d.attempt.failure(fmt.Errorf("the file has %d bytes and should have %d", announced, d.total), false)
	case announced >= 0:
		d.total = announced
	}
	d.validator = found
	return nil
}

// handle206 handles a response with the rest of the file.
func (d *download) handle206() *Outcome {
	resp := d.attempt.resp
	part, ok := parseContentRange(only(resp.Header, "Content-Range"))
	found := newValidator(d.redirects.request.URL, resp)
	announced := announcedLength(resp)
	switch {
	case !ok, part.start != d.offset, announced >= 0 && announced != part.length(), isMultipart(resp.Header):
		return d.startOver(fmt.Errorf("storage sent the wrong range: want the bytes from %d on", d.offset))
	case part.total >= 0 && d.total >= 0 && part.total != d.total, found.tag != "" && found.tag != d.validator.tag:
		return d.startOver(ErrChanged)
	case !d.validator.proves(found):
		return d.startOver(errors.New("nothing proves that the rest belongs to the same file"))
	case part.total >= 0:
		d.total = part.total
	}
	d.attempt.partial, d.attempt.left = true, part.length()
	return nil
}

// handle416 handles the response that there are no bytes after the offset. If the
// previous attempt failed after the last byte, the file is complete.
func (d *download) handle416() *Outcome {
	resp := d.attempt.resp
	none, _ := parseContentRange(only(resp.Header, "Content-Range"))
	found := newValidator(d.redirects.request.URL, resp)
	found.encoding = d.validator.encoding // there is no content to encode
	if none.total == d.offset && d.total < 0 && d.validator.proves(found) {
		d.finish()
		return nil
	}
	return d.startOver(ErrChanged)
}

// startOver discards the bytes delivered, so that the next attempt starts at the
// beginning.
func (d *download) startOver(reason error) *Outcome {
	if err := d.rewind(reason); err != nil {
		return d.attempt.failure(err, false)
	}
	return d.attempt.failure(reason, true)
}

// rewind discards the bytes delivered. If that is impossible, it returns the reason why
// it was necessary.
func (d *download) rewind(reason error) error {
	if d.Restart == nil {
		return reason
	}
	if err := d.Restart(); err != nil {
		return errors.Join(reason, err)
	}
	d.offset, d.validator, d.total = 0, validator{}, d.wantSize()
	return nil
}
