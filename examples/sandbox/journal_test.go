package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	const id = "1a57e8e1-57eb-42ef-8baa-342139c907e0"
	for name, c := range map[string]struct {
		log  func(*slog.Logger)
		want string
	}{
		"request": {func(l *slog.Logger) {
			l.Debug("request", "role", "api", "method", "GET", "path", "/v2/jobs/"+id, "status", 200, "duration", 1234*time.Microsecond)
		}, "1a57e8e1 GET /v2/jobs/1a57e8e1 200 in 1.2ms"},
		"sync request": {func(l *slog.Logger) {
			l.Debug("request", "role", "sync", "method", "POST", "path", "/v2/jobs", "status", 201, "duration", 83*time.Second)
		}, "         POST /v2/jobs 201 in 1m23s (sync)"},
		"task": {func(l *slog.Logger) {
			l.Debug("task ended", "job", id, "id", id, "name", "in", "operation", "import/url", "status", "error",
				"code", "DOWNLOAD_FAILED", "duration", time.Duration(0))
		}, "1a57e8e1 task in import/url error DOWNLOAD_FAILED in 0s"},
		"task without a job": {func(l *slog.Logger) {
			l.Debug("task ended", "job", "", "operation", "convert", "status", "finished", "duration", time.Second)
		}, "         task convert finished in 1s"},
		"job":     {func(l *slog.Logger) { l.Debug("job ended", "id", id, "status", "finished") }, "1a57e8e1 job finished"},
		"warning": {func(l *slog.Logger) { l.Warn("remove it", "error", errors.New("busy")) }, "         warn: remove it error=busy"},
		"control characters": {func(l *slog.Logger) {
			l.Debug("request", "method", "GET", "path", "/\x1b[2J\nfake", "status", 404)
		}, "         GET /?[2J?fake 404"},
		"long": {func(l *slog.Logger) {
			l.Debug("request", "method", "GET", "path", strings.Repeat("ü", 500))
		}, "         GET " + strings.Repeat("ü", 196) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			c.log(slog.New(newJournal(&out)))
			assert.Equal(t, c.want+"\n", out.String()[len("15:04:05 "):])
		})
	}
}
