package testkit

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// Printed returns what fmt and slog print of a value, in all ways.
func Printed(t *testing.T, value any) string {
	t.Helper()
	var all bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		_, err := fmt.Fprintf(&all, verb+"\n", value)
		require.NoError(t, err)
	}
	slog.New(slog.NewTextHandler(&all, nil)).Info("message", "value", value)
	return all.String()
}

// Logged returns a value as slog writes it in JSON. Without a LogValue method,
// slog would call the value's MarshalJSON.
func Logged(value any) string {
	var all bytes.Buffer
	slog.New(slog.NewJSONHandler(&all, nil)).Info("message", "value", value)
	return all.String()
}

// Log collects the records of a client in JSON.
type Log struct{ strings.Builder }

// Option returns the option that makes a client log to it.
func (l *Log) Option() cloudconvert.Option {
	return cloudconvert.WithLogger(slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

// Lines returns the records of a level.
func (l *Log) Lines(level slog.Level) []string {
	var lines []string
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, `"level":"`+level.String()+`"`) {
			lines = append(lines, line)
		}
	}
	return lines
}
