package cloudconvert

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// errChanged tells that storage has another file than the one that was begun.
var errChanged = errors.New("the file changed while it was downloaded")

// connect makes an attempt. Without an answer of its own there is a body to go
// on with, or the download has ended.
func (d *download) connect() *engine.Answer {
	req, err := d.request()
	if err != nil {
		return &engine.Answer{Err: err}
	}
	ranged := req.Header.Get("Range") != ""
	d.attempts++
	d.attempt = newDownloadAttempt(d.ctx, d.policy.StallTimeout)
	if failed := d.attempt.send(d.client.core.storage, req.WithContext(d.attempt.ctx), &d.trail); failed != nil {
		return failed
	}
	answered := engine.Answer{Status: d.attempt.resp.StatusCode}
	d.client.core.config.logger.LogAttrs(d.ctx, slog.LevelDebug, "cloudconvert: download", d.describe(answered)...)
	switch status := d.attempt.resp.StatusCode; {
	case status == http.StatusOK:
		return d.takeWhole()
	case status == http.StatusPartialContent && ranged:
		return d.takePart()
	case status == http.StatusRequestedRangeNotSatisfiable && ranged:
		return d.takeNothing()
	case status == http.StatusForbidden && !d.renewed && d.file.TaskID != "":
		return d.renew()
	case isSuccess(status):
		return d.attempt.answer(errors.New("that is no answer to the request for a file"), false)
	default:
		return d.attempt.refusal()
	}
}

// takeWhole takes an answer with the file from its beginning.
func (d *download) takeWhole() *engine.Answer {
	resp := d.attempt.resp
	tag := strongTag(resp.Header)
	switch {
	case d.offset == 0:
		d.total = d.sizeGiven()
	case tag != "" && tag == d.tag:
		d.attempt.skip = d.offset
	default:
		if err := d.rewind(errChanged); err != nil {
			return d.attempt.answer(err, false)
		}
	}
	announced := resp.ContentLength
	switch {
	case announced < 0 && d.total < 0 && endsWithConnection(resp):
		return d.attempt.answer(errors.New("nobody tells how long the file is, so a part of it could not be told from the whole"), false)
	case d.total < 0 && isEncoded(resp.Header):
		return d.attempt.answer(fmt.Errorf("storage sends the file encoded as %s, for which it was not asked", resp.Header.Get("Content-Encoding")), false)
	case announced >= 0 && d.total >= 0 && announced != d.total:
		return d.attempt.answer(fmt.Errorf("the file has %d bytes and should have %d", announced, d.total), false)
	case announced >= 0:
		d.setTotal(announced)
	}
	d.tag = tag
	return nil
}

// isEncoded tells whether the bytes of an answer are not those of the file.
// Where its size is known, that tells it better.
func isEncoded(header http.Header) bool {
	encoding := header.Get("Content-Encoding")
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// takePart takes an answer with the rest of the file.
func (d *download) takePart() *engine.Answer {
	header := d.attempt.resp.Header
	start, total, ok := parseContentRange(header.Get("Content-Range"))
	changed := total >= 0 && d.total >= 0 && total != d.total || differs(header.Get("ETag"), d.tag)
	switch {
	case !ok || start != d.offset:
		return d.startOver(fmt.Errorf("storage was asked for the bytes from %d on and sent others", d.offset))
	case changed:
		return d.startOver(errChanged)
	case total >= 0:
		d.setTotal(total)
	}
	d.attempt.partial = true
	return nil
}

// takeNothing takes the answer that there are no bytes where the download was
// to go on. If it broke behind the last one, it was whole.
func (d *download) takeNothing() *engine.Answer {
	header := d.attempt.resp.Header
	_, total, _ := parseContentRange(header.Get("Content-Range"))
	if total == d.offset && d.total < 0 && !differs(header.Get("ETag"), d.tag) {
		d.finish()
		return nil
	}
	return d.startOver(errChanged)
}

// startOver takes back what was delivered, for the next attempt to begin anew.
func (d *download) startOver(reason error) *engine.Answer {
	if err := d.rewind(reason); err != nil {
		return d.attempt.answer(err, false)
	}
	return d.attempt.answer(reason, true)
}

// rewind takes back what was delivered. If that is impossible, its error is
// the reason why it was necessary.
func (d *download) rewind(reason error) error {
	if d.restart == nil {
		return reason
	}
	if err := d.restart(); err != nil {
		return errors.Join(reason, err)
	}
	d.offset, d.tag, d.total = 0, "", d.sizeGiven()
	return nil
}

// sizeGiven returns the size that the API gave, or -1.
func (d *download) sizeGiven() int64 {
	if d.file.Size > 0 {
		return d.file.Size
	}
	return -1
}

// setTotal notes how long the file is.
func (d *download) setTotal(total int64) {
	d.total = total
	d.meter.setTotal(total)
}

// strongTag returns an entity tag that stands for exactly the same bytes.
func strongTag(header http.Header) string {
	if tag := header.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return ""
}

// differs tells whether an entity tag was given and is another one.
func differs(given, tag string) bool { return given != "" && given != tag }

// endsWithConnection tells whether a cut body would look like a whole one.
func endsWithConnection(resp *http.Response) bool {
	return resp.ContentLength < 0 && resp.ProtoMajor == 1 && len(resp.TransferEncoding) == 0
}

// parseContentRange reads the header of that name, as in "bytes 5-9/10" or
// "bytes */10". What it does not give is -1.
func parseContentRange(value string) (start, total int64, ok bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	span, length, ok := strings.Cut(strings.TrimSpace(rest), "/")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return -1, -1, false
	}
	start, total = -1, -1
	if length != "*" {
		if total, ok = parseBytes(length); !ok {
			return -1, -1, false
		}
	}
	if span == "*" {
		return start, total, true
	}
	first, last, _ := strings.Cut(span, "-")
	start, ok = parseBytes(first)
	end, endOK := parseBytes(last)
	if !ok || !endOK || end < start || total >= 0 && end >= total {
		return -1, -1, false
	}
	return start, total, true
}

// parseBytes reads a number of bytes, which has digits only.
func parseBytes(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil
}
