package engine_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

func TestPausesStayWithinTheirBounds(t *testing.T) {
	t.Parallel()
	pauses := engine.Pauses{MinWait: time.Second, MaxWait: 5 * time.Second, MaxRetryAfter: time.Minute}
	for n, longest := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		for range 100 {
			assertWithin(t, 0, longest, pauses.After(nil, n))
			assertWithin(t, 10*time.Second, 11*time.Second+1, pauses.After(http.Header{"Retry-After": {"10"}}, n))
			assertWithin(t, time.Minute, 61*time.Second+1, pauses.After(http.Header{"Retry-After": {"3600"}}, n))
		}
	}
	assert.Zero(t, engine.Pauses{}.After(nil, 3))
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
