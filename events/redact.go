package events

import (
	"errors"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/sio"
)

// A secret is a function because fmt prints the unexported fields of structs without
// calling their methods.
type secret func() string

func newSecret(value string) secret { return func() string { return value } }

// value returns "" for nil.
func (s secret) value() string {
	if s == nil {
		return ""
	}
	return s()
}

const (
	// maxTokens bounds the tokens that are redacted: the newest ones.
	maxTokens = 16
	// minPrefix is the length of the shortest beginning of a token that is redacted.
	minPrefix = 16
)

// addToken records a token that is about to be sent. The caller holds Client.mu.
func (cn *connection) addToken(token string) {
	if slices.ContainsFunc(cn.tokens, func(s secret) bool { return s.value() == token }) {
		return
	}
	cn.tokens = append(cn.tokens, newSecret(token))
	cn.tokens = cn.tokens[max(0, len(cn.tokens)-maxTokens):]
}

// redactError removes the tokens that were sent from an error, which may quote the
// server.
func (c *Client) redactError(cn *connection, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if refused, ok := errors.AsType[*sio.RefusedError](err); ok {
		return &sio.RefusedError{Message: cn.redact(refused.Message)}
	}
	text := err.Error()
	if redacted := cn.redact(text); redacted != text {
		return errors.New(redacted) // err, which still has the token, is not wrapped
	}
	return err
}

// redact replaces tokens by dots, and beginnings of tokens: the server may have cut them.
func (cn *connection) redact(text string) string {
	for _, s := range cn.tokens {
		token := s.value()
		for n := len(token); n == len(token) || n >= minPrefix; n-- {
			text = strings.ReplaceAll(text, token[:n], "...")
		}
	}
	return text
}
