package storage

import (
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/signature"
)

const signatureField = "X-Amz-Signature="

// signFileURL makes a URL with the query parameters in the order of the storage.
func (s *Storage) signFileURL(f *File, now time.Time) string {
	kind := "attachment"
	if f.inline {
		kind = "inline"
	}
	before := []string{
		"X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD",
		"X-Amz-Credential=" + url.QueryEscape(s.amzCredential(now)), "X-Amz-Date=" + now.UTC().Format(amzDate),
		"X-Amz-Expires=" + strconv.FormatInt(int64(s.cfg.URLLifetime/time.Second), 10),
	}
	after := []string{
		"X-Amz-SignedHeaders=host", "response-content-disposition=" + strictEscape(contentDisposition(kind, f.Name)),
		"response-content-type=" + strictEscape(contentType(f.Name)), "x-id=GetObject",
	}
	path := uploadPath + "/" + escapePath(f.object)
	unsigned := strings.Join(append(before, after...), "&")
	before = append(before, signatureField+s.sign(http.MethodGet+"\n"+path+"?"+unsigned))
	return s.origin + path + "?" + strings.Join(append(before, after...), "&")
}

func strictEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func escapePath(key string) string {
	parts := strings.Split(key, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

func contentDisposition(kind, filename string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, filename)
	value := kind + `; filename="` + plain + `"`
	if plain != filename {
		value += "; filename*=UTF-8''" + strictEscape(filename)
	}
	return value
}

func contentType(filename string) string {
	if t := mime.TypeByExtension("." + names.Extension(filename)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// download serves a file, or a range of it, by its signed URL.
func (s *Storage) download(w http.ResponseWriter, r *http.Request) *storageError {
	if fail := s.checkFileURL(r); fail != nil {
		return fail
	}
	f, ok := s.openObject(strings.TrimPrefix(r.URL.Path, uploadPath+"/"))
	if !ok {
		return &storageError{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	}
	defer s.Release(f.Blob)
	content, err := os.Open(f.Blob.Path)
	if err != nil {
		return &storageError{http.StatusInternalServerError, "InternalError", "We encountered an internal error."}
	}
	defer func() { _ = content.Close() }() // it was only read
	q := r.URL.Query()
	w.Header().Set("Content-Type", q.Get("response-content-type"))
	w.Header().Set("Content-Disposition", q.Get("response-content-disposition"))
	w.Header().Set("ETag", `"`+f.MD5+`"`)
	http.ServeContent(w, r, "", f.stored, content)
	return nil
}

// checkFileURL verifies the signature of a URL as it was sent, and then its age.
func (s *Storage) checkFileURL(r *http.Request) *storageError {
	before, rest, ok := strings.Cut(r.URL.RawQuery, signatureField)
	if !ok {
		return accessDenied("Access Denied")
	}
	sum, after, _ := strings.Cut(rest, "&")
	message := r.Method + "\n" + r.URL.EscapedPath() + "?" + before + after
	if !signature.Valid(s.secret, message, sum) {
		return wrongSignature()
	}
	q := r.URL.Query()
	signed, err := time.Parse(amzDate, q.Get("X-Amz-Date"))
	seconds, secondsErr := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || secondsErr != nil || !s.clock.Now().Before(signed.Add(time.Duration(seconds)*time.Second)) {
		return accessDenied("Request has expired")
	}
	return nil
}
