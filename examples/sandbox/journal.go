package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
)

// journal prints the log of the server: a line for each request and for each task that
// has ended, with the first letters of its job.
type journal struct {
	mu  sync.Mutex
	out io.Writer
}

var _ slog.Handler = (*journal)(nil)

func newJournal(out io.Writer) *journal { return &journal{out: out} }

// Enabled returns true: requests are logged at the lowest level.
func (j *journal) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs and WithGroup are not used by the server.
func (j *journal) WithAttrs([]slog.Attr) slog.Handler { return j }

// WithGroup returns the same journal.
func (j *journal) WithGroup(string) slog.Handler { return j }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	values := map[string]string{}
	r.Attrs(func(a slog.Attr) bool {
		values[a.Key] = a.Value.String()
		return true
	})
	job, text := describe(r, values)
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err := fmt.Fprintf(j.out, "%s %-8s %s\n", r.Time.Format(time.TimeOnly), job, printable(text))
	return err
}

// describe returns the job of a record, and its text.
func describe(r slog.Record, v map[string]string) (job, text string) {
	switch r.Message {
	case "request":
		path := longID.ReplaceAllStringFunc(v["path"], short)
		return jobIn(v["path"]), words(v["method"], path, status(v["status"]), in(v["duration"]), role(v["role"]), fault(v["fault"]))
	case "task ended":
		return short(v["job"]), words("task", v["name"], v["operation"], v["status"], by(v["engine"]), v["code"], in(v["duration"]), v["message"])
	case "webhook":
		return short(v["job"]), words("webhook", v["event"], "to", v["host"], "attempt", v["attempt"]+":", status(v["status"]), v["error"])
	case "job ended":
		return short(v["id"]), words("job", v["status"])
	}
	all := []string{strings.ToLower(r.Level.String()) + ":", r.Message}
	r.Attrs(func(a slog.Attr) bool {
		all = append(all, a.String())
		return true
	})
	return "", words(all...)
}

var (
	longID  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	jobPath = regexp.MustCompile(`^/v2/jobs/(` + longID.String() + `)`)
)

func jobIn(path string) string {
	if found := jobPath.FindStringSubmatch(path); found != nil {
		return short(found[1])
	}
	return ""
}

// status describes the status of a response, which a fault may prevent.
func status(code string) string {
	if code == "0" {
		return "no response"
	}
	return code
}

// fault names the fault of a request.
func fault(kind string) string {
	if kind == "" {
		return ""
	}
	return "(fault: " + kind + ")"
}

// short returns the first letters of an id.
func short(id string) string { return id[:min(8, len(id))] }

// by names the engine of a task.
func by(engine string) string {
	if engine == "" {
		return ""
	}
	return "by " + engine
}

func role(name string) string {
	if name == "sync" {
		return "(sync)"
	}
	return ""
}

// in returns a rounded duration.
func in(duration string) string {
	d, err := time.ParseDuration(duration)
	switch {
	case err != nil:
		return ""
	case d < time.Second:
		return "in " + d.Round(100*time.Microsecond).String()
	}
	return "in " + d.Round(10*time.Millisecond).String()
}

func words(all ...string) string {
	var some []string
	for _, word := range all {
		if word != "" {
			some = append(some, word)
		}
	}
	return strings.Join(some, " ")
}

// maxLine is the length of the longest line.
const maxLine = 200

// printable keeps the input of clients from controlling the terminal.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
	if runes := []rune(text); len(runes) > maxLine {
		return string(runes[:maxLine]) + "…"
	}
	return text
}
