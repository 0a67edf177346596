package transfer

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// ParseURL parses the URL of a file or form. URLs without a host or without TLS are
// errors, see [Config.AllowHTTP]. Errors do not contain the URL.
func (c *Client) ParseURL(text string) (*url.URL, error) {
	parsed, err := parseVerbatim(text)
	if err != nil {
		return nil, err
	}
	return parsed, c.checkURL(parsed)
}

// parseVerbatim parses a URL so that it is requested byte for byte as written, because it
// may be signed.
func parseVerbatim(text string) (*url.URL, error) {
	parsed, err := url.Parse(text)
	if err != nil || strings.Contains(text, " ") {
		return nil, errors.New("invalid URL")
	}
	// A [url.URL] keeps the query as written, but escapes characters of the path that
	// should be escaped and are not. Only an opaque URL keeps such a path.
	if path := pathIn(text); path != parsed.EscapedPath() && !strings.HasPrefix(path, "//") {
		parsed.Opaque = path
	}
	return parsed, nil
}

// pathIn returns the path of a URL as written.
func pathIn(text string) string {
	text, _, _ = strings.Cut(text, "#")
	text, _, _ = strings.Cut(text, "?")
	_, text, _ = strings.Cut(text, "://")
	_, path, found := strings.Cut(text, "/")
	if !found {
		return ""
	}
	return "/" + path
}

func (c *Client) checkURL(target *url.URL) error {
	switch {
	case target.Hostname() == "":
		return errors.New("the storage URL has no host")
	case target.Scheme == "https", target.Scheme == "http" && c.config.AllowHTTP(target.Hostname()):
		return nil
	default:
		return fmt.Errorf("the storage URL of %s is not https", target.Host)
	}
}

// pathOf returns the host and path of a URL, for errors and logs. The query may be a
// secret.
func pathOf(target *url.URL) string { return target.Host + target.EscapedPath() }

// locationSecrets returns the secrets of a Location header, which may be an invalid URL.
func locationSecrets(base *url.URL, location string) []string {
	if u, err := base.Parse(location); err == nil {
		return engine.URLSecrets(u)
	}
	_, query, _ := strings.Cut(location, "?")
	return append(engine.QuerySecrets(query), location)
}
