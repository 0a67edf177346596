package cloudconvert

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// Answers carry secrets: the addresses of files, upload forms, and payloads
// with credentials in them. What is printed and logged of an answer is its
// outline. The fields and the JSON have everything.

// Format prints how the job and its tasks are, without any address, whatever
// the verb.
func (j Job) Format(s fmt.State, _ rune) { write(s, j.outline()) }

// LogValue is what Format prints.
func (j Job) LogValue() slog.Value { return slog.StringValue(j.outline()) }

func (j Job) outline() string {
	tasks := make([]string, 0, len(j.Tasks))
	for _, task := range sortedByName(j.Tasks) {
		tasks = append(tasks, task.outline())
	}
	return fmt.Sprintf("job %s %s [%s]", j.ID, j.Status, strings.Join(tasks, ", "))
}

// Format prints how the task is, without its payload and any address, whatever
// the verb.
func (t Task) Format(s fmt.State, _ rune) { write(s, t.outline()) }

// LogValue is what Format prints.
func (t Task) LogValue() slog.Value { return slog.StringValue(t.outline()) }

func (t Task) outline() string {
	return strings.TrimSpace(fmt.Sprintf("task %s %s %s %s", taskLabel(t), t.Status, string(t.Code), t.Message))
}

// Format prints the names of the files, and whether there is a form, whatever the
// verb.
func (r TaskResult) Format(s fmt.State, _ rune) { write(s, r.outline()) }

// LogValue is what Format prints.
func (r TaskResult) LogValue() slog.Value { return slog.StringValue(r.outline()) }

func (r TaskResult) outline() string {
	var parts []string
	for _, file := range r.Files {
		parts = append(parts, file.outline())
	}
	if r.Form != nil {
		parts = append(parts, r.Form.outline())
	}
	return "result [" + strings.Join(parts, ", ") + "]"
}

// Format prints the name and the size of the file without its address,
// whatever the verb.
func (f File) Format(s fmt.State, _ rune) { write(s, f.outline()) }

// LogValue is what Format prints.
func (f File) LogValue() slog.Value { return slog.StringValue(f.outline()) }

func (f File) outline() string { return fmt.Sprintf("file %q (%d bytes)", f.Filename, f.Size) }

// Format prints the host of the form without its fields, whatever the verb.
func (f UploadForm) Format(s fmt.State, _ rune) { write(s, f.outline()) }

// LogValue is what Format prints.
func (f UploadForm) LogValue() slog.Value { return slog.StringValue(f.outline()) }

func (f UploadForm) outline() string {
	host := "?"
	if address, err := url.Parse(f.URL); err == nil {
		host = address.Host
	}
	return fmt.Sprintf("upload form of %d fields on %s", len(f.Fields), host)
}

func write(s fmt.State, text string) {
	_, _ = io.WriteString(s, text) // fmt collects and never fails
}
