package cloudconverttest

import (
	"net/http"
	"strconv"
)

// voidWriter takes an answer that nobody will see.
type voidWriter struct{ header http.Header }

// Header of the lost answer.
func (w *voidWriter) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// Write takes everything.
func (w *voidWriter) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader does nothing.
func (w *voidWriter) WriteHeader(int) {}

// cutWriter lets the first part of an answer through and swallows the rest.
type cutWriter struct {
	http.ResponseWriter

	fault   Fault
	left    int64
	started bool
}

// Unwrap is for http.ResponseController.
func (w *cutWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader decides how much of the body goes through.
func (w *cutWriter) WriteHeader(status int) {
	if w.started {
		return
	}
	w.started = true
	for name, values := range w.fault.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	length, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64)
	if err != nil {
		length = 0
	}
	w.left = w.fault.Bytes
	if w.left <= 0 || w.left >= length {
		w.left = length / 2
	}
	switch w.fault.Kind { //nolint:exhaustive // the others change nothing here
	case Headers:
		w.left = max(length, 1<<62)
	case WrongLength:
		w.Header().Set("Content-Length", strconv.FormatInt(w.left, 10))
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write passes on what may go through and pretends that all of it did.
func (w *cutWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	part := p[:min(int64(len(p)), w.left)]
	w.left -= int64(len(part))
	if len(part) == 0 {
		return len(p), nil
	}
	if _, err := w.ResponseWriter.Write(part); err != nil {
		return 0, err
	}
	return len(p), nil
}

// trickleWriter sends a body in small pieces.
type trickleWriter struct {
	http.ResponseWriter

	piece   int64
	pause   func()
	started bool
}

// Unwrap is for http.ResponseController.
func (w *trickleWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Write sends p piece by piece.
func (w *trickleWriter) Write(p []byte) (int, error) {
	piece := int(w.piece)
	if piece <= 0 {
		piece = 1024
	}
	sent := 0
	for sent < len(p) {
		if w.started {
			w.pause()
		}
		w.started = true
		n, err := w.ResponseWriter.Write(p[sent:min(sent+piece, len(p))])
		sent += n
		if err != nil {
			return sent, err
		}
		if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// delayedWriter holds an answer back for a while.
type delayedWriter struct {
	http.ResponseWriter

	delay func()
	done  bool
}

// Unwrap is for http.ResponseController.
func (w *delayedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader waits before the first byte.
func (w *delayedWriter) WriteHeader(status int) {
	if !w.done {
		w.done = true
		w.delay()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write waits before the first byte.
func (w *delayedWriter) Write(p []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}
