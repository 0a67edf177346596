package params

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// FindCredentials returns the names of the parameters in a decoded JSON value that hold
// credentials, judging by their names or by the form of a text.
func FindCredentials(name string, value any) []string {
	if IsCredential(name) && !Empty(value) {
		return []string{name}
	}
	var found []string
	switch value := value.(type) {
	case string:
		if hasCredential(value) {
			found = append(found, name)
		}
	case []any:
		for _, entry := range value {
			found = append(found, FindCredentials(name, entry)...)
		}
	case map[string]any:
		for _, key := range SortedKeys(value) {
			found = append(found, FindCredentials(key, value[key])...)
		}
	}
	return found
}

// IsCredential reports whether a parameter of this name holds a credential. It ignores
// case and punctuation: access_key, Access-Key and accessKey are the same name.
// Parameters with headers count, because headers may hold credentials.
func IsCredential(name string) bool {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	within := func(part string) bool { return strings.Contains(name, part) }
	return strings.HasSuffix(name, "headers") || slices.Contains([]string{"auth", "cookie", "cookies", "pass", "pwd", "sas"}, name) ||
		slices.ContainsFunc([]string{
			"password", "passwd", "passphrase", "secret", "token", "credential", "authorization", "privatekey", "accesskey", "apikey",
		}, within)
}

var (
	// urlWithUser matches a URL with a user, anywhere in a text.
	urlWithUser = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://[^/?#\\\s"'<>]*@`)
	// maybeURLWithUser matches a text that looks like a URL and contains an @.
	maybeURLWithUser = regexp.MustCompile(`(?i)^\s*[a-z][a-z0-9+.-]*:[/\\]{2}\S*@\S*\s*$`)
	// headerInText matches a header with credentials, as in a command line.
	headerInText = regexp.MustCompile(`(?i)\b(authorization|cookie|x-api-key|x-auth-token)\s*:\s*\S`)
	keyInText    = regexp.MustCompile(`PRIVATE KEY( BLOCK)?-----`)
)

// hasCredential reports whether a text has the form of a credential. A URL that cannot be
// parsed counts if it may have a user.
func hasCredential(text string) bool {
	if urlWithUser.MatchString(text) || headerInText.MatchString(text) || keyInText.MatchString(text) {
		return true
	}
	target, err := url.Parse(strings.TrimSpace(text))
	return err == nil && target.User != nil || err != nil && maybeURLWithUser.MatchString(text)
}
