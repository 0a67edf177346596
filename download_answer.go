package cloudconvert

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
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
	d.attempt = newDownloadAttempt(d.ctx, d.policy.StallTimeout, d.client.core.config.transfer)
	if failed := d.attempt.send(d.client.core.storage, req, &d.trail); failed != nil {
		return failed
	}
	answered := engine.Answer{Status: d.attempt.resp.StatusCode}
	d.client.core.config.logger.LogAttrs(d.ctx, slog.LevelDebug, "cloudconvert: download", d.describe(answered)...)
	switch status := d.attempt.resp.StatusCode; {
	case status == http.StatusOK:
		return d.handle200()
	case status == http.StatusPartialContent && ranged:
		return d.handle206()
	case status == http.StatusRequestedRangeNotSatisfiable && ranged:
		return d.handle416()
	case status == http.StatusPreconditionFailed && ranged:
		return d.startOver(errChanged)
	case status == http.StatusForbidden && !d.renewed && d.file.TaskID != "":
		return d.renew()
	case isSuccess(status):
		return d.attempt.answer(errors.New("that is no answer to the request for a file"), false)
	default:
		return d.attempt.refusal()
	}
}

// A validator is what proves that two responses have bytes of the same file: the tag
// alone stands for the bytes at one place in one encoding.
type validator struct {
	tag      string // strong entity tag, or empty
	place    string // host and path, where redirects led
	encoding string
}

// validatorOf returns what the response says of its file.
func (d *download) validatorOf(resp *http.Response) validator {
	v := validator{place: storagePath(d.trail.request.URL), encoding: encodingOf(resp.Header)}
	if !resp.Uncompressed { // otherwise the bytes are not those that the tag stands for
		v.tag = strongTag(resp.Header)
	}
	return v
}

// isProved reports whether the response belongs to the file that was begun.
func (d *download) isProved(v validator) bool { return v.tag != "" && v == d.validator }

// handle200 takes the file from its beginning.
func (d *download) handle200() *engine.Answer {
	resp := d.attempt.resp
	announced, found := announcedLength(resp), d.validatorOf(resp)
	switch {
	case d.offset == 0:
		d.total = d.sizeGiven()
	case d.isProved(found) && (announced < 0 || d.total < 0 || announced == d.total):
		d.attempt.skip = d.offset
	default:
		if err := d.rewind(errChanged); err != nil {
			return d.attempt.answer(err, false)
		}
	}
	switch {
	case announced < 0 && d.total < 0 && endsWithConnection(resp):
		return d.attempt.answer(errors.New("unknown file size: a truncated download could not be detected"), false)
	case d.total < 0 && found.encoding != "":
		return d.attempt.answer(fmt.Errorf("storage sends the file encoded as %s, for which it was not asked", found.encoding), false)
	case announced >= 0 && d.total >= 0 && announced != d.total:
		return d.attempt.answer(fmt.Errorf("the file has %d bytes and should have %d", announced, d.total), false)
	case announced >= 0:
		d.setTotal(announced)
	}
	d.validator = found
	return nil
}

// handle206 takes the rest of the file.
func (d *download) handle206() *engine.Answer {
	resp := d.attempt.resp
	part, ok := parseContentRange(only(resp.Header, "Content-Range"))
	found := d.validatorOf(resp)
	announced := announcedLength(resp)
	switch {
	case !ok, part.start != d.offset, announced >= 0 && announced != part.length(), isMultipart(resp.Header):
		return d.startOver(fmt.Errorf("storage was asked for the bytes from %d on and sent others", d.offset))
	case part.total >= 0 && d.total >= 0 && part.total != d.total, found.tag != "" && found.tag != d.validator.tag:
		return d.startOver(errChanged)
	case !d.isProved(found):
		return d.startOver(errors.New("nothing proves that the rest belongs to the same file"))
	case part.total >= 0:
		d.setTotal(part.total)
	}
	d.attempt.partial, d.attempt.left = true, part.length()
	return nil
}

// handle416 takes the response that there are no bytes where the download was to
// go on. If it broke behind the last one, it was whole.
func (d *download) handle416() *engine.Answer {
	resp := d.attempt.resp
	none, _ := parseContentRange(only(resp.Header, "Content-Range"))
	found := d.validatorOf(resp)
	found.encoding = d.validator.encoding // there is nothing that could be encoded
	if none.total == d.offset && d.total < 0 && d.isProved(found) {
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
	d.offset, d.validator, d.total = 0, validator{}, d.sizeGiven()
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

// only returns the value of a header that is there once, or "".
func only(header http.Header, name string) string {
	if values := header.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}

var quotedTag = regexp.MustCompile(`^"[^"]*"$`)

// strongTag returns an entity tag that stands for exactly the same bytes.
func strongTag(header http.Header) string {
	if tag := only(header, "ETag"); quotedTag.MatchString(tag) {
		return tag
	}
	return ""
}

// encodingOf returns how the bytes of a response are encoded, or "".
func encodingOf(header http.Header) string {
	encoding := strings.ToLower(strings.Join(header.Values("Content-Encoding"), ", "))
	if encoding == "identity" {
		return ""
	}
	return encoding
}

// isMultipart reports whether the body has several ranges with headers before each.
func isMultipart(header http.Header) bool {
	return strings.HasPrefix(strings.ToLower(header.Get("Content-Type")), "multipart/byteranges")
}

// announcedLength returns how many bytes the body should have, or -1. A transport
// other than that of net/http may leave the length at 0 that it does not know.
func announcedLength(resp *http.Response) int64 {
	if resp.ContentLength == 0 && resp.Header.Get("Content-Length") != "0" {
		return -1
	}
	return resp.ContentLength
}

// endsWithConnection reports whether a cut body would look like a whole one.
func endsWithConnection(resp *http.Response) bool {
	return resp.ProtoMajor == 1 && len(resp.TransferEncoding) == 0 && !resp.Uncompressed
}

// A contentRange is the value of a Content-Range header. What it does not give is -1.
type contentRange struct{ start, end, total int64 }

// length returns the number of bytes in the range.
func (r contentRange) length() int64 { return r.end - r.start + 1 }

// parseContentRange reads a Content-Range header, as in "bytes 5-9/10" or
// "bytes */10".
func parseContentRange(value string) (r contentRange, ok bool) {
	wrong := contentRange{-1, -1, -1}
	r = wrong
	unit, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	span, length, ok := strings.Cut(strings.TrimSpace(rest), "/")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return wrong, false
	}
	if length != "*" {
		if r.total, ok = parseBytes(length); !ok {
			return wrong, false
		}
	}
	if span == "*" {
		return r, true
	}
	first, last, _ := strings.Cut(span, "-")
	start, ok := parseBytes(first)
	end, endOK := parseBytes(last)
	if !ok || !endOK || end < start || r.total >= 0 && end >= r.total {
		return wrong, false
	}
	r.start, r.end = start, end
	return r, true
}

// parseBytes reads a number of bytes, which has digits only.
func parseBytes(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil
}
