package cloudconverttest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

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

// route records a request, reads its body, and applies faults before it calls next.
func (s *Server) route(role func(path string) Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			network.Cut(w, r)
			return
		}
		defer s.wg.Done()
		s.handle(role(r.URL.Path), w, r, next)
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
	entry := record.New(string(role), r, s.clock.Now())
	begin := time.Now()
	rec := &recorder{ResponseWriter: w, responded: func(status int) { s.requests.Responded(entry, status) }}
	err := s.readBody(role, entry, rec, r)
	s.requests.Add(entry)
	if err != nil {
		s.refuseBody(rec, r, err)
		return
	}
	if f, ok := s.faults.Strike(string(role), r); ok {
		f.Apply(s.ctx.Done(), string(role), rec, r, next)
	} else {
		next.ServeHTTP(rec, r)
	}
	s.log.DebugContext(r.Context(), "request", "role", role, "method", r.Method, "path", r.URL.Path, "status", rec.status,
		"duration", time.Since(begin))
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
	if role == RoleOAuth {
		entry.Body = record.Form(body)
	} else {
		entry.Body = record.JSON(body)
	}
	return nil
}

func (s *Server) refuseBody(w http.ResponseWriter, r *http.Request, err error) {
	if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
		network.Cut(w, r) // the client has disconnected
		return
	}
	fail := &apiError{status: http.StatusRequestEntityTooLarge, code: "PAYLOAD_TOO_LARGE", message: "Payload Too Large"}
	fail.write(w, true)
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
	s.handleAPI(mux, false, "GET /v2/jobs", "task.read", (*Server).listJobs)
	s.handleAPI(mux, false, "POST /v2/jobs", "task.write", (*Server).createJob)
	s.handleAPI(mux, false, "GET /v2/jobs/{id}", "task.read", (*Server).showJob)
	s.handleAPI(mux, false, "GET /v2/jobs/{id}/wait", "task.read", (*Server).waitJob)
	s.handleAPI(mux, false, "DELETE /v2/jobs/{id}", "task.write", (*Server).deleteJob)
	s.handleAPI(mux, false, "GET /v2/tasks", "task.read", (*Server).listTasks)
	s.handleAPI(mux, false, "GET /v2/tasks/{id}", "task.read", (*Server).showTask)
	s.handleAPI(mux, false, "GET /v2/tasks/{id}/wait", "task.read", (*Server).waitTask)
	s.handleAPI(mux, false, "POST /v2/tasks/{id}/cancel", "task.write", (*Server).cancelTask)
	s.handleAPI(mux, false, "POST /v2/tasks/{id}/retry", "task.write", (*Server).retryTask)
	s.handleAPI(mux, false, "DELETE /v2/tasks/{id}", "task.write", (*Server).deleteTask)
	s.handleAPI(mux, false, "POST /v2/{operation...}", "task.write", (*Server).createTask)
	s.handleAPI(mux, false, "GET /v2/operations", public, (*Server).listOperations)
	s.handleAPI(mux, false, "GET /v2/convert/formats", public, (*Server).listConvertFormats)
	s.handleAPI(mux, false, "GET /v2/users/me", "user.read", (*Server).showUser)
	s.handleAPI(mux, false, "POST /v2/webhooks", "webhook.write", (*Server).createWebhook)
	s.handleAPI(mux, false, "GET /v2/users/me/webhooks", "webhook.read", (*Server).listWebhooks)
	s.handleAPI(mux, false, "DELETE /v2/webhooks/{id}", "webhook.write", (*Server).deleteWebhook)
	s.handleAPI(mux, false, "/", public, (*Server).unknown)
	mux.HandleFunc("/storage/", s.serveStorage)
	mux.HandleFunc("GET /oauth/authorize", s.oauth.Authorize)
	mux.HandleFunc("POST /oauth/token", s.oauth.Token)
	s.handleAPI(mux, false, "GET /s/{id}", public, (*Server).signedURL)
	return mux
}

func (s *Server) syncRoutes() http.Handler {
	mux := http.NewServeMux()
	s.handleAPI(mux, true, "POST /v2/jobs", "task.write", (*Server).createJob)
	s.handleAPI(mux, true, "GET /v2/jobs/{id}", "task.read", (*Server).waitJob)
	s.handleAPI(mux, true, "GET /v2/tasks/{id}", "task.read", (*Server).waitTask)
	s.handleAPI(mux, true, "/", public, (*Server).unknown)
	return mux
}

func (s *Server) handleAPI(mux *http.ServeMux, sync bool, pattern, scope string, h func(*Server, *call) error) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := &call{s: s, w: w, r: r, sync: sync}
		c.finish(c.run(scope, h))
	})
}

func (s *Server) unknown(*call) error { return errNotFound }

func (s *Server) serveStorage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.sweep()
	s.mu.Unlock()
	s.storage.ServeHTTP(w, r)
}
