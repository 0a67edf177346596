package cloudconvert

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var (
	signedPath = regexp.MustCompile(`/[0-9A-Za-z-]{16,}$`)
	cacheKeys  = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// SignedURL returns an address that runs a job when it is visited, for example
// by a browser, and leads to the first exported file. Visiting it needs no API key,
// and making it sends no request.
//
// The base, of the form https://s.cloudconvert.com/ID, and its signing secret
// come from https://cloudconvert.com/dashboard/api/v2/signed-urls. Without a
// cache key every visit runs the job and costs credits. With one, which
// consists of letters, digits, "-" and "_", the result is kept for 24 hours and
// shared by all addresses with the same key.
//
// The job needs an export/url task. It should not need an upload, since no
// visitor could make it. It goes into the address as it is, readable for
// everybody: a job with credentials in it, such as storage keys, passwords,
// request headers or addresses with a user in them, is refused. Credentials are
// recognized by their names and by their form. Addresses of files are not refused,
// even if they are secrets themselves.
//
// An empty signing secret is [ErrNoSecret]. Everything else that is wrong
// matches [ErrInvalid].
func SignedURL(base, secret string, r *JobRequest, cacheKey string) (string, error) {
	if secret == "" {
		return "", ErrNoSecret
	}
	if err := errors.Join(checkSignedBase(base), checkCacheKey(cacheKey)); err != nil {
		return "", invalid(err)
	}
	if _, err := r.remoteBody(); err != nil {
		return "", err
	}
	if _, found := r.Tasks.uses(OperationExportURL); !found {
		return "", invalid(errors.New("the job has no export/url task, so there is no file that a signed URL could lead to"))
	}
	payload, err := encodeJSON(r)
	if err != nil {
		return "", invalid(err)
	}
	if err := checkPublic(payload); err != nil {
		return "", err
	}
	return signURL(base, secret, payload, cacheKey), nil
}

// signURL puts a job into an address. The order of the parameters counts.
func signURL(base, secret string, payload []byte, cacheKey string) string {
	address := base + "?job=" + base64.RawURLEncoding.EncodeToString(payload)
	if cacheKey != "" {
		address += "&cache_key=" + cacheKey
	}
	return address + "&s=" + hex.EncodeToString(digest([]byte(address), secret))
}

func checkSignedBase(base string) error {
	target, err := url.Parse(base)
	switch {
	case err != nil, target.Hostname() == "", !signedPath.MatchString(target.EscapedPath()), target.User != nil,
		strings.ContainsAny(base, "?#"):
		return errors.New("the base of a signed URL has the form https://s.cloudconvert.com/ID: copy it from the dashboard")
	case target.Scheme != "https" && (target.Scheme != "http" || !isLoopback(target.Hostname())):
		return errors.New("the base of a signed URL must be https")
	}
	return nil
}

func checkCacheKey(key string) error {
	if key != "" && !cacheKeys.MatchString(key) {
		return fmt.Errorf("the cache key %q may have letters, digits, - and _ only", key)
	}
	return nil
}
