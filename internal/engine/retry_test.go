package engine_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

func TestRepeatable(t *testing.T) {
	t.Parallel()
	certificate := &tls.CertificateVerificationError{Err: x509.HostnameError{}}
	for name, c := range map[string]struct {
		answer engine.Outcome
		get    bool // GET and DELETE
		post   bool
	}{
		"no connection":     {engine.Outcome{Err: errors.New("refused")}, true, true},
		"certificate":       {engine.Outcome{Err: certificate}, false, false},
		"unknown authority": {engine.Outcome{Err: x509.UnknownAuthorityError{}}, false, false},
		"no TLS":            {engine.Outcome{Err: fmt.Errorf("wrapped: %w", tls.RecordHeaderError{})}, false, false},
		"HTTP for TLS":      {engine.Outcome{Err: http.ErrSchemeMismatch}, false, false},
		"connection lost":   {engine.Outcome{Err: io.EOF, Open: true}, true, false},
		"cut answer":        {engine.Outcome{Status: 201, Err: io.ErrUnexpectedEOF, Open: true}, true, false},
		"200":               {engine.Outcome{Status: 200}, false, false},
		"302":               {engine.Outcome{Status: 302}, false, false},
		"400":               {engine.Outcome{Status: 400}, false, false},
		"401":               {engine.Outcome{Status: 401}, false, false},
		"402":               {engine.Outcome{Status: 402}, false, false},
		"404":               {engine.Outcome{Status: 404}, false, false},
		"408":               {engine.Outcome{Status: 408, Open: true}, true, false},
		"422":               {engine.Outcome{Status: 422}, false, false},
		"429":               {engine.Outcome{Status: 429}, true, true},
		"500":               {engine.Outcome{Status: 500, Open: true}, true, false},
		"501":               {engine.Outcome{Status: 501, Open: true}, false, false},
		"502":               {engine.Outcome{Status: 502, Open: true}, true, false},
		"503":               {engine.Outcome{Status: 503, Open: true}, true, false},
		"504":               {engine.Outcome{Status: 504, Open: true}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.get, engine.Repeatable(http.MethodGet, c.answer), "GET")
			assert.Equal(t, c.get, engine.Repeatable(http.MethodDelete, c.answer), "DELETE")
			assert.Equal(t, c.post, engine.Repeatable(http.MethodPost, c.answer), "POST")
			assert.Equal(t, c.post, engine.Repeatable(http.MethodPatch, c.answer), "PATCH")
		})
	}
}
