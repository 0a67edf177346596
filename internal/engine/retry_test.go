package engine_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

func TestRepeatable(t *testing.T) {
	t.Parallel()
	certificate := &tls.CertificateVerificationError{Err: x509.HostnameError{}}
	for name, c := range map[string]struct {
		answer engine.Answer
		get    bool // GET and DELETE
		post   bool
	}{
		"no connection":     {engine.Answer{Err: errors.New("refused")}, true, true},
		"certificate":       {engine.Answer{Err: certificate}, false, false},
		"unknown authority": {engine.Answer{Err: x509.UnknownAuthorityError{}}, false, false},
		"no TLS":            {engine.Answer{Err: fmt.Errorf("wrapped: %w", tls.RecordHeaderError{})}, false, false},
		"HTTP for TLS":      {engine.Answer{Err: http.ErrSchemeMismatch}, false, false},
		"connection lost":   {engine.Answer{Err: io.EOF, Open: true}, true, false},
		"cut answer":        {engine.Answer{Status: 201, Err: io.ErrUnexpectedEOF, Open: true}, true, false},
		"200":               {engine.Answer{Status: 200}, false, false},
		"302":               {engine.Answer{Status: 302}, false, false},
		"400":               {engine.Answer{Status: 400}, false, false},
		"401":               {engine.Answer{Status: 401}, false, false},
		"402":               {engine.Answer{Status: 402}, false, false},
		"404":               {engine.Answer{Status: 404}, false, false},
		"408":               {engine.Answer{Status: 408, Open: true}, true, false},
		"422":               {engine.Answer{Status: 422}, false, false},
		"429":               {engine.Answer{Status: 429}, true, true},
		"500":               {engine.Answer{Status: 500, Open: true}, true, false},
		"501":               {engine.Answer{Status: 501, Open: true}, false, false},
		"502":               {engine.Answer{Status: 502, Open: true}, true, false},
		"503":               {engine.Answer{Status: 503, Open: true}, true, false},
		"504":               {engine.Answer{Status: 504, Open: true}, true, false},
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

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		value string
		want  time.Duration
		ok    bool
	}{
		"none":             {"", 0, false},
		"blank":            {"  ", 0, false},
		"zero":             {"0", 0, true},
		"seconds":          {"60", time.Minute, true},
		"blanks around":    {" 60 ", time.Minute, true},
		"fraction":         {"1.5", 1500 * time.Millisecond, true},
		"negative":         {"-1", 0, false},
		"no number":        {"NaN", 0, false},
		"text":             {"soon", 0, false},
		"a day":            {"86400", 24 * time.Hour, true},
		"overflow":         {"99999999999999999999", year, true},
		"date":             {"Mon, 23 Nov 2026 12:00:30 GMT", 30 * time.Second, true},
		"RFC 850 date":     {"Monday, 23-Nov-26 12:00:30 GMT", 30 * time.Second, true},
		"ANSI C date":      {"Mon Nov 23 12:00:30 2026", 30 * time.Second, true},
		"date in the past": {"Mon, 23 Nov 2020 12:00:30 GMT", 0, true},
		"date far away":    {"Fri, 31 Dec 9999 23:59:59 GMT", year, true},
		"other date":       {"2026-11-23T12:00:30Z", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := engine.RetryAfter(http.Header{"Retry-After": {c.value}}, now)
			assert.Equal(t, c.ok, ok)
			assert.Equal(t, c.want, got)
		})
	}
	const date = "Mon, 23 Nov 2026 12:00:30 GMT"
	for name, c := range map[string]struct {
		sent string
		want time.Duration
	}{
		"clock behind":      {"Mon, 23 Nov 2026 12:00:20 GMT", 10 * time.Second},
		"clock ahead":       {"Mon, 23 Nov 2026 11:00:30 GMT", time.Hour},
		"over":              {"Mon, 23 Nov 2026 12:00:31 GMT", 0},
		"no date":           {"", 30 * time.Second},
		"text":              {"yesterday", 30 * time.Second},
		"a server's first":  {"Thu, 01 Jan 1970 00:00:00 GMT", 30 * time.Second},
		"far in the future": {"Fri, 31 Dec 9999 23:59:59 GMT", 30 * time.Second},
		"RFC 850":           {"Monday, 23-Nov-26 12:00:20 GMT", 10 * time.Second},
	} {
		t.Run("with the date of the response, "+name, func(t *testing.T) {
			t.Parallel()
			got, ok := engine.RetryAfter(http.Header{"Retry-After": {date}, "Date": {c.sent}}, now)
			assert.True(t, ok)
			assert.Equal(t, c.want, got)
			got, ok = engine.RetryAfter(http.Header{"Retry-After": {"60"}, "Date": {c.sent}}, now)
			assert.True(t, ok)
			assert.Equal(t, time.Minute, got)
		})
	}
	got, ok := engine.RetryAfter(http.Header{"Retry-After": {date}, "Date": {"Mon, 23 Nov 2026 12:00:20 GMT"}}, time.Unix(0, 0))
	assert.True(t, ok)
	assert.Equal(t, 10*time.Second, got, "with a clock that was never set")
	got, ok = engine.RetryAfter(nil, now)
	assert.False(t, ok)
	assert.Zero(t, got)
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "60", "-1", "1e400", "inf", "0x1p-2", "NaN", "Mon, 23 Nov 2026 12:00:30 GMT"} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		got, ok := engine.RetryAfter(http.Header{"Retry-After": {value}}, now)
		assert.GreaterOrEqual(t, got, time.Duration(0))
		assert.LessOrEqual(t, got, 365*24*time.Hour)
		if !ok {
			assert.Zero(t, got)
		}
	})
}
