package cloudconvert

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// Answers carry secrets: the addresses of files, upload forms, and payloads with
// credentials in them. What is printed and logged of an answer is its outline.
// The fields and the JSON have everything, since they are there to be kept and
// read again. That is also why slog's JSON handler cannot be kept from them where
// it does not ask for a LogValue, see the package documentation.

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
	return strings.TrimSpace(fmt.Sprintf("task %s %s %s %s", taskLabel(t), t.Status, string(t.Code), engine.HideQueries(t.Message)))
}

// Format prints what Error returns, whatever the verb: the error of a transport may
// have the request in it.
func (e Error) Format(s fmt.State, _ rune) { write(s, e.Error()) }

// Format prints what Error returns, whatever the verb.
func (e JobError) Format(s fmt.State, _ rune) { write(s, e.Error()) }

// LogValue is what Format prints.
func (e JobError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints what Error returns, whatever the verb.
func (e TaskError) Format(s fmt.State, _ rune) { write(s, e.Error()) }

// LogValue is what Format prints.
func (e TaskError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints the name of the field without its value, whatever the verb.
func (f FormField) Format(s fmt.State, _ rune) { write(s, f.outline()) }

// LogValue is what Format prints.
func (f FormField) LogValue() slog.Value { return slog.StringValue(f.outline()) }

func (f FormField) outline() string { return fmt.Sprintf("form field %q", f.Name) }

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

// LogValue is what Format prints. Package slog does not ask for it within a slice:
// its JSON handler would write the addresses. Log [fmt.Sprint] of a slice instead.
func (f File) LogValue() slog.Value { return slog.StringValue(f.outline()) }

func (f File) outline() string { return fmt.Sprintf("file %q (%d bytes)", f.Filename, f.Size) }

// Format prints the host of the form without its fields, whatever the verb.
func (f UploadForm) Format(s fmt.State, _ rune) { write(s, f.outline()) }

// LogValue is what Format prints.
func (f UploadForm) LogValue() slog.Value { return slog.StringValue(f.outline()) }

func (f UploadForm) outline() string {
	return fmt.Sprintf("upload form of %d fields on %s", len(f.Fields), hostOf(f.URL))
}

// Format prints the outlines of the entries, whatever the verb.
func (p Page[T]) Format(s fmt.State, _ rune) { write(s, p.outline()) }

// LogValue is what Format prints.
func (p Page[T]) LogValue() slog.Value { return slog.StringValue(p.outline()) }

func (p Page[T]) outline() string { return fmt.Sprintf("page %d %v", p.Meta.CurrentPage, p.Data) }

// Format prints what happened to which job, whatever the verb.
func (e WebhookEvent) Format(s fmt.State, _ rune) { write(s, e.outline()) }

// LogValue is what Format prints.
func (e WebhookEvent) LogValue() slog.Value { return slog.StringValue(e.outline()) }

func (e WebhookEvent) outline() string {
	return fmt.Sprintf("event %s of %s", e.Event, e.Job.outline())
}

// Format prints the status and the length of the answer, without its header and body,
// whatever the verb.
func (r Response) Format(s fmt.State, _ rune) { write(s, r.outline()) }

// LogValue is what Format prints.
func (r Response) LogValue() slog.Value { return slog.StringValue(r.outline()) }

func (r Response) outline() string {
	return strings.TrimSpace(fmt.Sprintf("answer %d of %d bytes after %d attempts %s", r.StatusCode, len(r.Body), r.Attempts, r.RequestID))
}

// hostOf returns the host of an address for people to read.
func hostOf(address string) string {
	if target, err := url.Parse(address); err == nil && target.Host != "" {
		return target.Host
	}
	return "?"
}
