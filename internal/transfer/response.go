package transfer

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// maxExcerpt bounds the number of bytes read of a response that is not a file.
const maxExcerpt = 8 << 10

// readExcerpt returns the beginning of such a response. It ignores read errors, because
// the status already says what matters.
func readExcerpt(body io.Reader) []byte {
	excerpt, _ := io.ReadAll(io.LimitReader(body, maxExcerpt))
	return excerpt
}

// A validator identifies the content of a response. Two responses have bytes of the same
// file if their validators are equal and have a tag: a tag identifies the bytes only
// together with the URL and the encoding.
type validator struct {
	tag      string // strong entity tag, or empty
	place    string // host and path after redirects
	encoding string
}

// newValidator returns the validator of a response from a URL.
func newValidator(from *url.URL, resp *http.Response) validator {
	v := validator{place: pathOf(from), encoding: encodingOf(resp.Header)}
	if !resp.Uncompressed { // otherwise the tag does not identify the decoded bytes
		v.tag = strongTag(resp.Header)
	}
	return v
}

// proves reports whether both validators identify the same file.
func (v validator) proves(other validator) bool { return v.tag != "" && v == other }

// only returns the value of a header that occurs exactly once, or "".
func only(header http.Header, name string) string {
	if values := header.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}

var quotedTag = regexp.MustCompile(`^"[^"]*"$`)

// strongTag returns the strong entity tag of a response, or "". Equal strong tags mean
// equal bytes.
func strongTag(header http.Header) string {
	if tag := only(header, "ETag"); quotedTag.MatchString(tag) {
		return tag
	}
	return ""
}

// encodingOf returns the content encoding of a response, or "".
func encodingOf(header http.Header) string {
	encoding := strings.ToLower(strings.Join(header.Values("Content-Encoding"), ", "))
	if encoding == "identity" {
		return ""
	}
	return encoding
}

// isMultipart reports whether the body consists of several ranges, each with its own
// headers.
func isMultipart(header http.Header) bool {
	return strings.HasPrefix(strings.ToLower(header.Get("Content-Type")), "multipart/byteranges")
}

// announcedLength returns the length that the response announces, or -1. Transports other
// than that of net/http may leave an unknown length at 0.
func announcedLength(resp *http.Response) int64 {
	if resp.ContentLength == 0 && resp.Header.Get("Content-Length") != "0" {
		return -1
	}
	return resp.ContentLength
}

// endsWithConnection reports whether a truncated body cannot be told from a whole one.
func endsWithConnection(resp *http.Response) bool {
	return resp.ProtoMajor == 1 && len(resp.TransferEncoding) == 0 && !resp.Uncompressed
}

// A contentRange is the value of a Content-Range header. Values that it does not contain
// are -1.
type contentRange struct{ start, end, total int64 }

// length returns the number of bytes in the range.
func (r contentRange) length() int64 { return r.end - r.start + 1 }

// parseContentRange parses a Content-Range header, such as "bytes 5-9/10" or "bytes
// */10".
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

// parseBytes parses a number of bytes, which consists of digits only.
func parseBytes(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil
}
