package engine

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOutcomesThatAllowARetry(t *testing.T) {
	t.Parallel()
	certificate := &tls.CertificateVerificationError{Err: x509.HostnameError{}}
	for name, c := range map[string]struct {
		outcome Outcome
		get     bool // GET and DELETE
		post    bool
	}{
		"no connection":     {Outcome{Err: errors.New("refused")}, true, true},
		"certificate":       {Outcome{Err: certificate}, false, false},
		"unknown authority": {Outcome{Err: x509.UnknownAuthorityError{}}, false, false},
		"no TLS":            {Outcome{Err: fmt.Errorf("wrapped: %w", tls.RecordHeaderError{})}, false, false},
		"HTTP for TLS":      {Outcome{Err: http.ErrSchemeMismatch}, false, false},
		"connection lost":   {Outcome{Err: io.EOF, Unknown: true}, true, false},
		"cut response":      {Outcome{Status: 201, Err: io.ErrUnexpectedEOF, Unknown: true}, true, false},
		"200":               {Outcome{Status: 200}, false, false},
		"302":               {Outcome{Status: 302}, false, false},
		"400":               {Outcome{Status: 400}, false, false},
		"401":               {Outcome{Status: 401}, false, false},
		"402":               {Outcome{Status: 402}, false, false},
		"404":               {Outcome{Status: 404}, false, false},
		"408":               {Outcome{Status: 408, Unknown: true}, true, false},
		"422":               {Outcome{Status: 422}, false, false},
		"429":               {Outcome{Status: 429}, true, true},
		"500":               {Outcome{Status: 500, Unknown: true}, true, false},
		"501":               {Outcome{Status: 501, Unknown: true}, false, false},
		"502":               {Outcome{Status: 502, Unknown: true}, true, false},
		"503":               {Outcome{Status: 503, Unknown: true}, true, false},
		"504":               {Outcome{Status: 504, Unknown: true}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.get, isRetryable(http.MethodGet, c.outcome), "GET")
			assert.Equal(t, c.get, isRetryable(http.MethodDelete, c.outcome), "DELETE")
			assert.Equal(t, c.post, isRetryable(http.MethodPost, c.outcome), "POST")
			assert.Equal(t, c.post, isRetryable(http.MethodPatch, c.outcome), "PATCH")
		})
	}
}

func TestIsTemporary(t *testing.T) {
	t.Parallel()
	for _, status := range []int{408, 429, 500, 502, 503, 504, 599} {
		assert.True(t, IsTemporary(status), status)
	}
	for _, status := range []int{0, 200, 302, 400, 401, 402, 404, 422, 501} {
		assert.False(t, IsTemporary(status), status)
	}
}
