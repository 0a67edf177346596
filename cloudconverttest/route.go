package cloudconverttest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/api"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/cors"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/network"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/record"
)

// maxBody is the largest body of a request to the API.
const maxBody = 64 << 20

// apiRole returns the role of a path on the listener of the API.
func apiRole(path string) Role {
	switch {
	case strings.HasPrefix(path, "/storage/"):
		return RoleStorage
	case strings.HasPrefix(path, "/oauth/"):
		return RoleOAuth
	case strings.HasPrefix(path, "/s/"):
		return RoleSigned
	default:
		return RoleAPI
	}
}

// route records a request, reads its body, and applies faults before it calls next. The
// preflights of browsers are not recorded, and no fault affects them.
func (s *Server) route(role func(path string) Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			network.Cut(w, r)
			return
		}
		defer s.wg.Done()
		role := role(r.URL.Path)
		credentials := role == RoleSync
		if cors.IsPreflight(r) {
			cors.Preflight(w, r, credentials)
			return
		}
		cors.Allow(w.Header(), r, credentials)
		s.handle(role, w, r, next)
	})
}

// enter counts a request that Close has to wait for.
func (s *Server) enter() bool {
	s.lifeMu.Lock()
	defer s.lifeMu.Unlock()
	if !s.closed {
		s.wg.Add(1)
	}
	return !s.closed
}

func (s *Server) handle(role Role, w http.ResponseWriter, r *http.Request, next http.Handler) {
	s.objects.Expire()
	entry := record.New(string(role), r, s.clock.Now())
	begin := time.Now()
	rec := &recorder{ResponseWriter: w, responded: func(status int) { s.requests.Responded(entry, status) }}
	err := s.readBody(role, entry, rec, r)
	s.requests.Add(entry)
	if err != nil {
		s.refuseBody(rec, r, err)
		return
	}
	struck := ""
	if f, ok := s.faults.Strike(string(role), r); ok {
		struck = f.Kind.String()
		f.Apply(s.ctx.Done(), string(role), rec, r, next)
	} else {
		next.ServeHTTP(rec, r)
	}
	s.log.DebugContext(r.Context(), "request", "role", role, "method", r.Method, "path", r.URL.Path, "status", rec.status,
		"fault", struck, "duration", time.Since(begin))
}

// readBody reads the body of every request but uploads, which are written to disk.
func (s *Server) readBody(role Role, entry *record.Request, w http.ResponseWriter, r *http.Request) error {
	if role == RoleStorage || r.Body == http.NoBody {
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	entry.Body = record.Body(r.Header.Get("Content-Type"), body)
	return nil
}

func (s *Server) refuseBody(w http.ResponseWriter, r *http.Request, err error) {
	if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
		network.Cut(w, r) // the client has disconnected
		return
	}
	api.WriteError(w, http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "Payload Too Large")
}

// recorder records the status of a response before its first byte is sent.
type recorder struct {
	http.ResponseWriter

	responded func(status int)
	status    int
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
		r.responded(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write records the status 200 if there is none yet.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(p)
}

func (s *Server) apiRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", s.api.Handler())
	mux.HandleFunc("/storage/", s.serveStorage)
	mux.HandleFunc("GET /oauth/authorize", s.oauth.Authorize)
	mux.HandleFunc("POST /oauth/token", s.oauth.Token)
	return mux
}

func (s *Server) serveStorage(w http.ResponseWriter, r *http.Request) {
	s.jobs.Expire()
	s.storage.ServeHTTP(w, r)
}
