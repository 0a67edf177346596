package fault

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/network"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// Apply applies the fault to a request, which next handles. It returns early when the
// server has closed.
func (f Fault) Apply(closed <-chan struct{}, role string, w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch f.Kind {
	case Headers, Truncate, WrongLength:
		f.alter(w, r, next)
	case Slow:
		f.slow(closed, w, r, next)
	case Reset, Stall:
		f.abort(closed, role, w, r, next)
	case Status, Garbage:
		if f.Phase != Before {
			next.ServeHTTP(&discardWriter{}, r)
		} else {
			_, _ = io.Copy(io.Discard, r.Body) // to a client, an early response looks like a broken connection
		}
		f.write(role, w)
	}
}

// abort ends the connection or stalls it.
func (f Fault) abort(closed <-chan struct{}, role string, w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch f.Phase {
	case Before:
		if f.Kind == Stall {
			f.readStalled(role, r)
		}
	case During:
		f.alter(w, r, next)
		_ = http.NewResponseController(w).Flush() // an error means that the client has disconnected already
		if f.Kind == Reset && r.ProtoMajor > 1 {
			panic(http.ErrAbortHandler) //nolint:forbidigo // closing the connection could lose what was flushed
		}
	case After:
		next.ServeHTTP(&discardWriter{}, r)
	}
	if f.Kind == Stall {
		pause(closed, r, f.Delay, true)
	}
	network.Cut(w, r)
}

// readStalled reads as much of the body as a stalled server does.
func (f Fault) readStalled(role string, r *http.Request) {
	body := io.Reader(r.Body)
	if role == roleStorage && r.Method == http.MethodPost {
		body = io.LimitReader(body, f.Bytes)
	}
	_, _ = io.Copy(io.Discard, body) // an error means that the client has disconnected already
}

func (f Fault) slow(closed <-chan struct{}, w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch f.Phase {
	case Before:
		pause(closed, r, f.Delay, false)
		next.ServeHTTP(w, r)
	case During:
		next.ServeHTTP(&slowWriter{ResponseWriter: w, piece: f.Bytes, pause: func() { pause(closed, r, f.Delay, false) }}, r)
	case After:
		next.ServeHTTP(&delayedWriter{ResponseWriter: w, delay: func() { pause(closed, r, f.Delay, false) }}, r)
	}
}

// alter executes the request with a writer that changes the response.
func (f Fault) alter(w http.ResponseWriter, r *http.Request, next http.Handler) {
	cut := &cutWriter{ResponseWriter: w, fault: f}
	next.ServeHTTP(cut, r)
	if !cut.started {
		cut.WriteHeader(http.StatusOK)
	}
}

// pause waits for d, or until the client disconnects or the server closes. forEver makes
// a zero d endless.
func pause(closed <-chan struct{}, r *http.Request, d time.Duration, forEver bool) {
	var over <-chan time.Time
	if d > 0 || !forEver {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-r.Context().Done():
	case <-closed:
	}
}

func (f Fault) write(role string, w http.ResponseWriter) {
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
		body, contentType = f.body(role, status)
	}
	w.Header().Set("Content-Type", contentType)
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // an error means that the client has disconnected
}

func (f Fault) body(role string, status int) (body, contentType string) {
	switch {
	case f.Code == "":
		text := strconv.Itoa(status) + " " + http.StatusText(status)
		return "<html><head><title>" + text + "</title></head><body><h1>" + text + "</h1></body></html>\n", "text/html"
	case role == roleStorage:
		return storage.ErrorBody(f.Code, f.Message), "application/xml"
	}
	b, err := wire.Encode(wire.Error{Message: f.Message, Code: f.Code})
	if err != nil {
		return "", "text/html"
	}
	return string(b), "application/json"
}
