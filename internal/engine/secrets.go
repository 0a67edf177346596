package engine

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
)

const (
	// MaxText is the maximum length of a text that is shown. Longer texts are cut off.
	MaxText = 256 << 10
	// dots replaces hidden text.
	dots = "..."
)

// Without does what [Outcome.Hiding] does, and also removes long secrets from the
// response that callers can capture, which may repeat the request: from its header and,
// unless it is a success, its body.
func (o Outcome) Without(secrets ...string) Outcome {
	o = o.Hiding(secrets...)
	for _, secret := range secrets {
		// A short one may be a word of the response, whose JSON would become invalid.
		if len(secret) >= longSecret {
			o = o.withoutLiteral(secret)
		}
	}
	return o
}

// Hiding adds secrets that [Outcome.Hide] hides, and hides them in the error of the
// outcome.
func (o Outcome) Hiding(secrets ...string) Outcome {
	if o.secrets != nil {
		secrets = slices.Concat(o.secrets.texts, secrets)
	}
	o.secrets = &secretSet{texts: secrets}
	if o.Err != nil {
		if text := o.Hide(o.Err.Error()); text != o.Err.Error() {
			err := o.Err
			o.Err = redactedError{text: text, err: func() error { return err }}
		}
	}
	return o
}

func (o Outcome) withoutLiteral(secret string) Outcome {
	for name, values := range o.Header {
		if !slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, secret) }) {
			continue
		}
		o.Header = o.Header.Clone()
		for i, value := range values {
			o.Header[name][i] = strings.ReplaceAll(value, secret, dots)
		}
	}
	if !IsSuccess(o.Status) {
		o.Body = bytes.ReplaceAll(o.Body, []byte(secret), []byte(dots))
	}
	return o
}

// redactedError is an error whose text contained a secret. It holds the original error in
// a function because fmt would print a field.
type redactedError struct {
	text string
	err  func() error
}

// Error returns the text without the secret.
func (s redactedError) Error() string { return s.text }

// Is reports whether the original error matches target.
func (s redactedError) Is(target error) bool { return errors.Is(s.err(), target) }

// As implements errors.As for the original error.
func (s redactedError) As(target any) bool { return errors.As(s.err(), target) }

// Hide does what [HideQueries] does, and also replaces the secrets of the outcome in a
// text by dots. It finds them in any case, cut off, in base64, and with up to four levels
// of escapes of URLs, JSON and HTML.
func (o Outcome) Hide(text string) string { return hide(text, o.secrets, false) }

// excerpt returns the first bytes of a text, at most limit, and hides secrets as
// [Outcome.Hide] does, including one that is cut off at the end.
func (o Outcome) excerpt(text string, limit int) string {
	text = hide(text[:min(len(text), limit)], o.secrets, true)
	return text[:min(len(text), limit)]
}

// HideQueries replaces the users, queries and fragments of URLs in a text by dots,
// because URLs carry their secrets there. It also replaces the values of parameters and
// headers whose names say that they are secret.
func HideQueries(text string) string { return hide(text, nil, false) }

func hide(text string, secrets *secretSet, isCut bool) string {
	known := secrets.forms()
	if known.tooMany && text != "" {
		return dots
	}
	if len(text) > MaxText {
		text, isCut = text[:MaxText], true
	}
	var found []span
	read := newReading(text)
	for range maxEscapes + 1 {
		found = slices.Concat(found, read.queries(), read.find(known, isCut))
		plain := read.unescape(isCut)
		if len(plain.text) == len(read.text) {
			break
		}
		read = plain
	}
	return blank(text, found)
}

// QuerySecrets returns the values of a query, both escaped and unescaped. A query that is
// too long to search for is returned as a single secret.
func QuerySecrets(query string) []string {
	if len(query) > maxSecret {
		return []string{query}
	}
	var secrets []string
	for pair := range strings.SplitSeq(query, "&") {
		_, value, found := strings.Cut(pair, "=")
		if !found {
			value = pair
		}
		secrets = append(secrets, value)
		if plain, err := url.QueryUnescape(value); err == nil && plain != value {
			secrets = append(secrets, plain)
		}
	}
	return secrets
}

// URLSecrets returns the secrets in the user, query and fragment of a URL.
func URLSecrets(u *url.URL) []string {
	secrets := append(QuerySecrets(u.RawQuery), QuerySecrets(u.EscapedFragment())...)
	if u.User != nil {
		password, _ := u.User.Password()
		user := u.User.Username() + ":" + password
		secrets = append(secrets, u.User.String(), user, password, base64.StdEncoding.EncodeToString([]byte(user)))
	}
	return secrets
}
