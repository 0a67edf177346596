package transfer

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// ParseURL parses the URL of a file or a form. It refuses those that files must not be
// fetched from or sent to. Its errors do not repeat the URL.
func (c *Client) ParseURL(text string) (*url.URL, error) {
	parsed, err := parseVerbatim(text)
	if err != nil {
		return nil, err
	}
	return parsed, c.checkURL(parsed)
}

// parseVerbatim parses a URL that is requested byte for byte as it is, because it is
// signed.
func parseVerbatim(text string) (*url.URL, error) {
	parsed, err := url.Parse(text)
	if err != nil || strings.Contains(text, " ") {
		return nil, errors.New("invalid URL")
	}
	// [url.URL] keeps a query as it is. It keeps a path only if all is escaped that should
	// be, unless the path is opaque.
	if path := pathIn(text); path != parsed.EscapedPath() && !strings.HasPrefix(path, "//") {
		parsed.Opaque = path
	}
	return parsed, nil
}

// pathIn returns the path of a URL as it is written there.
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

// pathOf names a URL in errors and logs: without its query, which is a secret.
func pathOf(target *url.URL) string { return target.Host + target.EscapedPath() }

// locationSecrets does what [engine.URLSecrets] does for a Location header, which may not be a URL.
func locationSecrets(base *url.URL, location string) []string {
	if u, err := base.Parse(location); err == nil {
		return engine.URLSecrets(u)
	}
	_, query, _ := strings.Cut(location, "?")
	return append(engine.QuerySecrets(query), location)
}
