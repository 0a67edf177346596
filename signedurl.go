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
)

var (
	signedPath = regexp.MustCompile(`/[0-9A-Za-z-]{16,}$`)
	cacheKeys  = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// SignedURL returns an address that runs a job when it is visited, for example
// by a browser, and leads to the first exported file. It needs no API key
// and costs no request.
//
// The base, of the form https://s.cloudconvert.com/ID, and its signing secret
// come from https://cloudconvert.com/dashboard/api/v2/signed-urls. Without a
// cache key every visit runs the job and costs credits. With one, which
// consists of letters, digits, "-" and "_", the result is kept for 24 hours and
// shared by all addresses with the same key.
//
// The job needs an export/url task. It should not need an upload, since no
// visitor could make it. It goes into the address as it is, readable for
// everybody: a job with credentials in it, such as storage keys, passwords or
// request headers, is refused. Addresses of files are not, also if they are
// secrets of their own.
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
	if err := r.Validate(); err != nil {
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

// checkPublic refuses a job that not everybody may read.
func checkPublic(payload []byte) error {
	var job struct {
		Tasks      map[string]map[string]any `json:"tasks"`
		WebhookURL string                    `json:"webhook_url"`
	}
	if err := json.Unmarshal(payload, &job); err != nil {
		return invalid(err)
	}
	found := credentials("webhook_url", job.WebhookURL)
	for _, name := range slices.Sorted(maps.Keys(job.Tasks)) {
		for _, parameter := range credentials("", job.Tasks[name]) {
			found = append(found, fmt.Sprintf("%s of task %q", parameter, name))
		}
	}
	if len(found) > 0 {
		return invalid(fmt.Errorf("everybody can read the job in a signed URL, and this one holds credentials: %s: "+
			"create such a job with Jobs.Create instead", strings.Join(found, ", ")))
	}
	return nil
}

// credentials returns where in the value of a parameter there are any: below
// a name that tells so, or as the user in an address.
func credentials(name string, value any) []string {
	if isCredential(name) && !isEmpty(value) {
		return []string{name}
	}
	var found []string
	switch value := value.(type) {
	case string:
		if target, err := url.Parse(value); err == nil && target.User != nil {
			found = append(found, name)
		}
	case []any:
		for _, entry := range value {
			found = append(found, credentials(name, entry)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			found = append(found, credentials(key, value[key])...)
		}
	}
	return found
}

// isCredential tells whether a parameter of this name holds one. Some headers
// do, and none is worth telling them apart.
func isCredential(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	secret := func(part string) bool { return strings.Contains(name, part) }
	return name == "headers" || slices.ContainsFunc([]string{
		"password", "passphrase", "secret", "token", "credential", "authorization", "private_key", "access_key", "api_key",
	}, secret)
}
