package api

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/signature"
)

// cacheTime is how long the result of a signed URL is kept under its cache key.
const cacheTime = 24 * time.Hour

type cachedJob struct {
	job     *jobs.Job
	expires time.Time
}

// SignedURLBase returns the base URL of signed URLs and their secret.
func (a *API) SignedURLBase() (base, secret string) {
	return a.origin + a.signedPath, a.signedSecret
}

// signedURL starts the job of a signed URL, waits for it, and redirects to its first
// exported file.
func (a *API) signedURL(c *call) error {
	if c.r.URL.Path != a.signedPath {
		return errNotFound
	}
	query, err := a.verifySigned(c.r.URL.RawQuery)
	if err != nil {
		return err
	}
	j, err := a.signedJob(query)
	if err != nil {
		return err
	}
	if err := c.await(j.Done); err != nil {
		return err
	}
	var to string
	a.cfg.Jobs.View(func() { to = a.exported(j) })
	if to == "" {
		return &apiError{status: http.StatusUnprocessableEntity, code: "JOB_FAILED", message: "The job has failed."}
	}
	return c.redirect(to)
}

// verifySigned verifies the signature of a query as it was sent, and returns the signed
// parameters.
func (a *API) verifySigned(query string) (map[string]string, error) {
	at := strings.LastIndex(query, "&s=")
	base, secret := a.SignedURLBase()
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
func (a *API) signedJob(query map[string]string) (*jobs.Job, error) {
	req, err := decodeSigned(query["job"])
	if err != nil {
		return nil, err
	}
	key := query["cache_key"]
	if key == "" {
		return a.cfg.Jobs.Create(req, func(*jobs.Job) {})
	}
	if !request.Name.MatchString(key) {
		return nil, request.Invalid("cache_key", "The cache_key format is invalid.")
	}
	return a.cachedJob(key, req)
}

func (a *API) cachedJob(key string, req *request.Job) (*jobs.Job, error) {
	a.cacheMu.Lock()
	defer a.cacheMu.Unlock()
	now := a.cfg.Clock.Now()
	a.cfg.Jobs.View(func() {
		maps.DeleteFunc(a.cached, func(_ string, c cachedJob) bool {
			return !now.Before(c.expires) || c.job.Status == jobs.Failed || c.job.Deleted
		})
	})
	if c, ok := a.cached[key]; ok {
		return c.job, nil
	}
	j, err := a.cfg.Jobs.Create(req, func(*jobs.Job) {})
	if err != nil {
		return nil, err
	}
	a.cached[key] = cachedJob{j, now.Add(cacheTime)}
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
