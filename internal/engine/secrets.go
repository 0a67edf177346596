package engine

import (
	"bytes"
	"errors"
	"html"
	"net/url"
	"slices"
	"strings"
)

// minSecret is how long a secret is at least. Shorter texts stand for many
// other things as well.
const minSecret = 16

// Without takes secrets out of an answer that repeats what it was sent: out of
// its error, its header and, unless it is a success, its body.
func (a Answer) Without(secrets ...string) Answer {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(secret string) bool { return len(secret) < minSecret })
	for _, secret := range secrets {
		a = a.without(secret)
	}
	return a
}

func (a Answer) without(secret string) Answer {
	if a.Err != nil && strings.Contains(a.Err.Error(), secret) {
		a.Err = silenced{err: a.Err, text: strings.ReplaceAll(a.Err.Error(), secret, "...")}
	}
	for name, values := range a.Header {
		if !slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, secret) }) {
			continue
		}
		a.Header = a.Header.Clone()
		for i, value := range values {
			a.Header[name][i] = strings.ReplaceAll(value, secret, "...")
		}
	}
	if !isSuccess(a.Status) {
		a.Body = bytes.ReplaceAll(a.Body, []byte(secret), []byte("..."))
	}
	return a
}

// silenced is an error whose text had a secret in it.
type silenced struct {
	err  error
	text string
}

// Error is the text without the secret.
func (s silenced) Error() string { return s.text }

// Is matches what the error matched.
func (s silenced) Is(target error) bool { return errors.Is(s.err, target) }

// As finds what is in the error.
func (s silenced) As(target any) bool { return errors.As(s.err, target) }

// QuerySecrets returns a query and its values, as they stand there, as they are
// meant, and as they stand in XML.
func QuerySecrets(query string) []string {
	values := []string{query, html.EscapeString(query)}
	for pair := range strings.SplitSeq(query, "&") {
		_, value, _ := strings.Cut(pair, "=")
		values = append(values, value)
		if plain, err := url.QueryUnescape(value); err == nil && plain != value {
			values = append(values, plain)
		}
	}
	return values
}
