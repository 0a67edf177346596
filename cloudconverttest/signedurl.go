package cloudconverttest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/signature"
)

// cacheTime is how long the result of a signed URL is kept under its cache key.
const cacheTime = 24 * time.Hour

type cachedJob struct {
	job     *job
	expires time.Time
}

// SignedURLBase returns the base URL of signed URLs and their secret.
func (s *Server) SignedURLBase() (base, secret string) {
	return s.origin + s.signedPath, s.signedSecret
}

// signedURL starts the job of a signed URL, waits for it, and redirects to its first
// exported file.
func (s *Server) signedURL(c *call) error {
	if c.r.URL.Path != s.signedPath {
		return errNotFound
	}
	query, err := s.verifySigned(c.r.URL.RawQuery)
	if err != nil {
		return err
	}
	j, err := s.signedJob(query)
	if err != nil {
		return err
	}
	if err := c.await(j.done); err != nil {
		return err
	}
	s.mu.Lock()
	to := s.exported(j)
	s.mu.Unlock()
	if to == "" {
		return &apiError{status: http.StatusUnprocessableEntity, code: "JOB_FAILED", message: "The job has failed."}
	}
	return c.redirect(to)
}

// verifySigned verifies the signature of a query as it was sent, and returns the signed
// parameters.
func (s *Server) verifySigned(query string) (map[string]string, error) {
	at := strings.LastIndex(query, "&s=")
	base, secret := s.SignedURLBase()
	if at < 0 || !signature.Valid([]byte(secret), base+"?"+query[:at], query[at+len("&s="):]) {
		return nil, &apiError{status: http.StatusForbidden, code: "INVALID_SIGNATURE", message: "Invalid signature."}
	}
	values := map[string]string{}
	for pair := range strings.SplitSeq(query[:at], "&") {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.PathUnescape(value); err == nil {
			values[name] = plain // not for a plus sign, which belongs to base64
		}
	}
	return values, nil
}

// signedJob starts the job of a signed URL, or returns an earlier one with the same cache
// key.
func (s *Server) signedJob(query map[string]string) (*job, error) {
	req, err := decodeSigned(query["job"])
	if err != nil {
		return nil, err
	}
	key := query["cache_key"]
	if key == "" {
		j, _, err := s.startJob(req)
		return j, err
	}
	if !request.Name.MatchString(key) {
		return nil, request.Invalid("cache_key", "The cache_key format is invalid.")
	}
	return s.cachedJob(key, req)
}

func (s *Server) cachedJob(key string, req *request.Job) (*job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	c, ok := s.cached[key]
	if ok && now.Before(c.expires) && c.job.status != erroneous && !c.job.deleted {
		return c.job, nil
	}
	j, _, err := s.createLocked(req)
	if err != nil {
		return nil, err
	}
	s.cached[key] = cachedJob{j, now.Add(cacheTime)}
	return j, nil
}

// decodeSigned decodes the job of a signed URL, in any variant of base64.
func decodeSigned(text string) (*request.Job, error) {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, request.Invalid("job", "The job format is invalid.")
	}
	req, err := request.ParseJob(request.JSON(raw), false)
	if err != nil {
		return nil, err
	}
	if !request.HasExportURL(req.Tasks) {
		return nil, request.Invalid("job", "The job needs an export/url task.")
	}
	return req, nil
}
