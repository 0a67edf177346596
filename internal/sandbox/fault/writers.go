package fault

import (
	"math"
	"net/http"
	"strconv"
)

// discardWriter discards a response.
type discardWriter struct{ header http.Header }

func (w *discardWriter) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

func (w *discardWriter) Write(p []byte) (int, error) { return len(p), nil }

func (w *discardWriter) WriteHeader(int) {}

// cutWriter passes on the first part of a response and discards the rest.
type cutWriter struct {
	http.ResponseWriter

	fault   Fault
	left    int64
	started bool
}

// Unwrap is for http.ResponseController.
func (w *cutWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader determines how much of the body is passed on.
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
	switch w.fault.Kind { //nolint:exhaustive // the others keep the header
	case Headers:
		w.left = math.MaxInt64
	case WrongLength:
		w.Header().Set("Content-Length", strconv.FormatInt(w.left, 10))
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write reports success for discarded bytes too.
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

// slowWriter sends a body in small pieces.
type slowWriter struct {
	http.ResponseWriter

	piece   int64
	pause   func()
	started bool
}

// Unwrap is for http.ResponseController.
func (w *slowWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *slowWriter) Write(p []byte) (int, error) {
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

// delayedWriter delays a response.
type delayedWriter struct {
	http.ResponseWriter

	delay func()
	done  bool
}

// Unwrap is for http.ResponseController.
func (w *delayedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *delayedWriter) WriteHeader(status int) {
	if !w.done {
		w.done = true
		w.delay()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *delayedWriter) Write(p []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}
