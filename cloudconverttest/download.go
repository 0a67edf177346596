package cloudconverttest

import (
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const signatureField = "X-Amz-Signature="

// fileURL returns the signed URL of a file. It returns the same URL for the first half of
// its lifetime.
func (s *Server) fileURL(f *file) string {
	now := s.clock.now()
	if f.signed == "" || now.Sub(f.signedAt) > s.cfg.downloadExpiry/2 {
		f.signed, f.signedAt = s.signFileURL(f, now), now
	}
	return f.signed
}

// signFileURL makes a URL with the query parameters in the order of the storage.
func (s *Server) signFileURL(f *file, now time.Time) string {
	kind := "attachment"
	if f.inline {
		kind = "inline"
	}
	before := []string{
		"X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD",
		"X-Amz-Credential=" + url.QueryEscape(s.amzCredential(now)), "X-Amz-Date=" + now.UTC().Format(amzDate),
		"X-Amz-Expires=" + strconv.FormatInt(int64(s.cfg.downloadExpiry/time.Second), 10),
	}
	after := []string{
		"X-Amz-SignedHeaders=host", "response-content-disposition=" + strictEscape(contentDisposition(kind, f.name)),
		"response-content-type=" + strictEscape(contentType(f.name)), "x-id=GetObject",
	}
	path := uploadPath + "/" + escapePath(f.object)
	unsigned := strings.Join(append(before, after...), "&")
	before = append(before, signatureField+s.storageSignature(http.MethodGet+"\n"+path+"?"+unsigned))
	return s.storageOrigin + path + "?" + strings.Join(append(before, after...), "&")
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
	if t := mime.TypeByExtension("." + extension(filename)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// download serves a file, or a range of it, by its signed URL.
func (s *Server) download(w http.ResponseWriter, r *http.Request) *storageError {
	if fail := s.checkFileURL(r); fail != nil {
		return fail
	}
	f, ok := s.openObject(strings.TrimPrefix(r.URL.Path, uploadPath+"/"))
	if !ok {
		return &storageError{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	}
	defer s.blobs.release(f.blob)
	content, err := os.Open(f.blob.path)
	if err != nil {
		return &storageError{http.StatusInternalServerError, "InternalError", "We encountered an internal error."}
	}
	defer func() { _ = content.Close() }() // it was only read
	q := r.URL.Query()
	w.Header().Set("Content-Type", q.Get("response-content-type"))
	w.Header().Set("Content-Disposition", q.Get("response-content-disposition"))
	w.Header().Set("ETag", `"`+f.md5+`"`)
	http.ServeContent(w, r, "", f.stored, content)
	return nil
}

// openObject returns the file of a key. The caller releases its blob.
func (s *Server) openObject(key string) (file, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	f, ok := s.objects[key]
	if !ok {
		return file{}, false
	}
	s.blobs.retain(f.blob)
	return *f, true
}

// checkFileURL verifies the signature of a URL as it was sent, and then its age.
func (s *Server) checkFileURL(r *http.Request) *storageError {
	before, rest, ok := strings.Cut(r.URL.RawQuery, signatureField)
	if !ok {
		return accessDenied("Access Denied")
	}
	signature, after, _ := strings.Cut(rest, "&")
	message := r.Method + "\n" + r.URL.EscapedPath() + "?" + before + after
	if !validSignature(s.storageSecret, message, signature) {
		return wrongSignature()
	}
	q := r.URL.Query()
	signed, err := time.Parse(amzDate, q.Get("X-Amz-Date"))
	seconds, secondsErr := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || secondsErr != nil || !s.clock.now().Before(signed.Add(time.Duration(seconds)*time.Second)) {
		return accessDenied("Request has expired")
	}
	return nil
}
