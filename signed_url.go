package cloudconvert

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/params"
	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

var (
	signedPath = regexp.MustCompile(`/[0-9A-Za-z-]{16,}$`)
	cacheKeys  = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// SignedURL returns a URL that runs a job when it is visited, for example by a
// browser, and redirects to the first exported file. Visiting it requires no API
// key. SignedURL itself sends no request.
//
// The base, of the form https://s.cloudconvert.com/ID, and its signing secret are
// those of https://cloudconvert.com/dashboard/api/v2/signed-urls. Without a cache
// key, each visit runs the job and costs credits. With a cache key, the result is
// kept for 24 hours and shared by all URLs with the same key. A cache key
// consists of letters, digits, "-" and "_".
//
// The job needs an export/url task. It should not have an import/upload task,
// since a visitor cannot upload. Everyone who has the URL can read the job in it.
// So a job with credentials, such as storage keys, passwords, request headers or
// URLs with a user, is refused. Credentials are recognized by their names and
// their form. URLs of files are not refused, even if they are secrets themselves.
//
// If the signing secret is empty, the error is [ErrNoSecret]. All other errors
// match [ErrInvalid].
func SignedURL(base, secret string, r *JobRequest, cacheKey string) (string, error) {
	if secret == "" {
		return "", ErrNoSecret
	}
	if err := errors.Join(checkSignedBase(base), checkCacheKey(cacheKey)); err != nil {
		return "", invalid(err)
	}
	body, err := r.remoteBody()
	if err != nil {
		return "", err
	}
	body.Redirect = r.Redirect
	if _, found := r.Tasks.uses(OperationExportURL); !found {
		return "", invalid(errors.New("the job of a signed URL has no export/url task: add one"))
	}
	payload, err := strictjson.Marshal(body)
	if err != nil {
		return "", invalid(err)
	}
	if err := checkPublic(payload); err != nil {
		return "", err
	}
	return signURL(base, secret, payload, cacheKey), nil
}

// checkPublic refuses a job with credentials.
func checkPublic(payload []byte) error {
	var job struct {
		Tasks      map[string]map[string]any `json:"tasks"`
		Tag        string                    `json:"tag"`
		WebhookURL string                    `json:"webhook_url"`
	}
	if err := json.Unmarshal(payload, &job); err != nil {
		return invalid(err)
	}
	found := append(params.FindCredentials("tag", job.Tag), params.FindCredentials("webhook_url", job.WebhookURL)...)
	for _, name := range slices.Sorted(maps.Keys(job.Tasks)) {
		for _, parameter := range params.FindCredentials("", job.Tasks[name]) {
			found = append(found, fmt.Sprintf("%s of task %q", parameter, name))
		}
	}
	if len(found) > 0 {
		return invalid(fmt.Errorf("the job of a signed URL has credentials, which everyone could read: %s: "+
			"use Jobs.Create instead", strings.Join(found, ", ")))
	}
	return nil
}

// signURL returns the signed URL of a job. The order of the parameters matters.
func signURL(base, secret string, payload []byte, cacheKey string) string {
	signed := base + "?job=" + base64.RawURLEncoding.EncodeToString(payload)
	if cacheKey != "" {
		signed += "&cache_key=" + cacheKey
	}
	return signed + "&s=" + hex.EncodeToString(digest([]byte(signed), secret))
}

func checkSignedBase(base string) error {
	target, err := url.Parse(base)
	switch {
	case err != nil, target.Hostname() == "", !signedPath.MatchString(target.EscapedPath()), target.User != nil,
		strings.ContainsAny(base, "?#"):
		return errors.New("the base of a signed URL must have the form https://s.cloudconvert.com/ID: copy it from the dashboard")
	case target.Scheme != "https" && (target.Scheme != "http" || !isLoopback(target.Hostname())):
		return errors.New("the base of a signed URL must be https")
	}
	return nil
}

func checkCacheKey(key string) error {
	if key != "" && !cacheKeys.MatchString(key) {
		return fmt.Errorf("the cache key %q may have only letters, digits, - and _", key)
	}
	return nil
}
