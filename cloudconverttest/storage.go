package cloudconverttest

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
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

// storage handles uploads and downloads. It refuses credentials outside of forms and
// URLs.
func (s *Server) storage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "nginx")
	fail := s.serveStorage(w, r)
	if r.Method == http.MethodPost && r.Header.Get("Expect") == "" {
		drain(r.Body)
	}
	if fail != nil {
		writeXML(w, fail.status, storageErrorBody(fail.code, fail.message))
	}
}

func (s *Server) serveStorage(w http.ResponseWriter, r *http.Request) *storageError {
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

func storageErrorBody(code, message string) string {
	return marshalXML(xmlError{Code: code, Message: message, RequestID: strings.ToUpper(newHex(8))})
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
