package cloudconverttest

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/network"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// applyFault applies a fault to a request, which next handles.
func (s *Server) applyFault(f Fault, role Role, w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch f.Kind {
	case Headers, Truncate, WrongLength:
		s.alter(f, w, r, next)
	case Slow:
		s.slow(f, w, r, next)
	case Reset, Stall:
		s.abort(f, role, w, r, next)
	case Status, Garbage:
		if f.Phase != Before {
			next.ServeHTTP(&discardWriter{}, r)
		} else {
			_, _ = io.Copy(io.Discard, r.Body) // to a client, an early response looks like a broken connection
		}
		writeFault(f, role, w)
	}
}

// abort ends the connection or stalls it.
func (s *Server) abort(f Fault, role Role, w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch f.Phase {
	case Before:
		if f.Kind == Stall {
			s.readStalled(f, role, r)
		}
	case During:
		s.alter(f, w, r, next)
		_ = http.NewResponseController(w).Flush() // an error means that the client has disconnected already
		if f.Kind == Reset && r.ProtoMajor > 1 {
			panic(http.ErrAbortHandler) //nolint:forbidigo // closing the connection could lose what was flushed
		}
	case After:
		next.ServeHTTP(&discardWriter{}, r)
	}
	if f.Kind == Stall {
		s.pause(r, f.Delay, true)
	}
	network.Cut(w, r)
}

// readStalled reads as much of the body as a stalled server does.
func (s *Server) readStalled(f Fault, role Role, r *http.Request) {
	body := io.Reader(r.Body)
	if role == RoleStorage && r.Method == http.MethodPost {
		body = io.LimitReader(body, f.Bytes)
	}
	_, _ = io.Copy(io.Discard, body) // an error means that the client has disconnected already
}

func (s *Server) slow(f Fault, w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch f.Phase {
	case Before:
		s.pause(r, f.Delay, false)
		next.ServeHTTP(w, r)
	case During:
		next.ServeHTTP(&slowWriter{ResponseWriter: w, piece: f.Bytes, pause: func() { s.pause(r, f.Delay, false) }}, r)
	case After:
		next.ServeHTTP(&delayedWriter{ResponseWriter: w, delay: func() { s.pause(r, f.Delay, false) }}, r)
	}
}

// alter executes the request with a writer that changes the response.
func (s *Server) alter(f Fault, w http.ResponseWriter, r *http.Request, next http.Handler) {
	cut := &cutWriter{ResponseWriter: w, fault: f}
	next.ServeHTTP(cut, r)
	if !cut.started {
		cut.WriteHeader(http.StatusOK)
	}
}

// pause waits for d, or until the client disconnects or the server closes. forEver makes
// a zero d endless.
func (s *Server) pause(r *http.Request, d time.Duration, forEver bool) {
	var over <-chan time.Time
	if d > 0 || !forEver {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
}

func writeFault(f Fault, role Role, w http.ResponseWriter) {
	status, body, contentType := f.Status, f.Body, "text/html; charset=UTF-8"
	switch {
	case f.Kind == Garbage:
		status, contentType = http.StatusOK, "application/json"
		if body == "" {
			body = "\x00\x1f\x8b]}{ this is not what you asked for"
		}
	case status == 0:
		status = http.StatusInternalServerError
	}
	if body == "" {
		body, contentType = faultBody(f, role, status)
	}
	w.Header().Set("Content-Type", contentType)
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // an error means that the client has disconnected
}

func faultBody(f Fault, role Role, status int) (body, contentType string) {
	switch {
	case f.Code == "":
		text := strconv.Itoa(status) + " " + http.StatusText(status)
		return "<html><head><title>" + text + "</title></head><body><h1>" + text + "</h1></body></html>\n", "text/html"
	case role == RoleStorage:
		return storage.ErrorBody(f.Code, f.Message), "application/xml"
	}
	b, err := wire.Encode(wire.Error{Message: f.Message, Code: f.Code})
	if err != nil {
		return "", "text/html"
	}
	return string(b), "application/json"
}
