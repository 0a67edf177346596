// Package storage is the storage of a server: the contents of files on disk, the forms
// of uploads, the signed URLs of results, and the host that serves them.
package storage

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
)

// storageError is an error response of the storage.
type storageError struct {
	status  int
	code    string
	message string
}

// The XML of the storage.
type (
	xmlError struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string   `xml:"Code"`
		Message   string   `xml:"Message"`
		RequestID string   `xml:"RequestId"`
	}
	xmlStored struct {
		XMLName  xml.Name `xml:"PostResponse"`
		Location string   `xml:"Location"`
		Bucket   string   `xml:"Bucket"`
		Key      string   `xml:"Key"`
		ETag     string   `xml:"ETag"`
	}
)

// Config configures a [Storage].
type Config struct {
	MaxUpload    int64         // size of the largest upload
	FormLifetime time.Duration // of upload forms
	URLLifetime  time.Duration // of the URLs of files
}

// Storage handles uploads and downloads. It refuses credentials outside of forms and
// URLs.
type Storage struct {
	*Blobs

	cfg    Config
	clock  *clock.Clock
	secret []byte
	origin string
	// uploaded is called with a file that was uploaded for a task. It takes over the
	// blob.
	uploaded func(taskID, filename string, b *Blob)

	mu      sync.Mutex // guards published files
	objects map[string]*File
}

// New returns a storage. Its origin is set by [Storage.SetOrigin].
func New(blobs *Blobs, cfg Config, c *clock.Clock, uploaded func(taskID, filename string, b *Blob)) *Storage {
	return &Storage{
		Blobs: blobs, cfg: cfg, clock: c, secret: random.Bytes(32), uploaded: uploaded, objects: map[string]*File{},
	}
}

// SetOrigin sets the scheme and the host of the URLs.
func (s *Storage) SetOrigin(origin string) { s.origin = origin }

// ServeHTTP handles an upload or a download.
func (s *Storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "nginx")
	fail := s.serve(w, r)
	if r.Method == http.MethodPost && r.Header.Get("Expect") == "" {
		drain(r.Body)
	}
	if fail != nil {
		writeXML(w, fail.status, ErrorBody(fail.code, fail.message))
	}
}

func (s *Storage) serve(w http.ResponseWriter, r *http.Request) *storageError {
	if r.Header.Get("Authorization") != "" {
		return &storageError{http.StatusBadRequest, "InvalidArgument", "Unsupported Authorization Type"}
	}
	switch r.Method {
	case http.MethodPost:
		return s.upload(w, r)
	case http.MethodGet, http.MethodHead:
		return s.download(w, r)
	}
	return &storageError{
		http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.",
	}
}

// ErrorBody returns the XML of an error.
func ErrorBody(code, message string) string {
	return marshalXML(xmlError{Code: code, Message: message, RequestID: strings.ToUpper(random.Hex(8))})
}

func marshalXML(v any) string {
	b, err := xml.Marshal(v)
	if err != nil {
		return "" // structs of strings can always be encoded
	}
	return xml.Header + string(b)
}

func writeXML(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // an error means that the client has disconnected
}

func invalidArgument(message string) *storageError {
	return &storageError{http.StatusBadRequest, "InvalidArgument", message}
}

func accessDenied(message string) *storageError {
	return &storageError{http.StatusForbidden, "AccessDenied", message}
}

func wrongSignature() *storageError {
	return &storageError{
		http.StatusForbidden, "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided.",
	}
}
