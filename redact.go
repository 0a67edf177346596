package cloudconvert

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// Responses have secrets in them: the URLs of files, upload forms, and payloads
// with credentials. They are printed and logged as an outline without secrets.
// Their fields and their JSON are complete, since they may be stored and read
// again. So slog's JSON handler writes the secrets where it does not call
// LogValue, see the package documentation.

// Format prints the status of the job and its tasks, without URLs, for any verb.
func (j Job) Format(s fmt.State, _ rune) { write(s, j.outline()) }

// LogValue returns the text that Format prints.
func (j Job) LogValue() slog.Value { return slog.StringValue(j.outline()) }

func (j Job) outline() string {
	tasks := make([]string, 0, len(j.Tasks))
	for _, task := range sortedByName(j.Tasks) {
		tasks = append(tasks, task.outline())
	}
	return fmt.Sprintf("job %s %s [%s]", j.ID, j.Status, strings.Join(tasks, ", "))
}

// Format prints the status of the task, without its payload and URLs, for any verb.
func (t Task) Format(s fmt.State, _ rune) { write(s, t.outline()) }

// LogValue returns the text that Format prints.
func (t Task) LogValue() slog.Value { return slog.StringValue(t.outline()) }

func (t Task) outline() string {
	return strings.TrimSpace(fmt.Sprintf("task %s %s %s %s", taskLabel(t), t.Status, string(t.Code), engine.HideQueries(t.Message)))
}

// Format prints what Error returns, for any verb. The error of a transport may
// have the request in it.
func (e Error) Format(s fmt.State, _ rune) { write(s, e.Error()) }

// Format prints what Error returns, for any verb.
func (e JobError) Format(s fmt.State, _ rune) { write(s, e.Error()) }

// LogValue returns the text that Format prints.
func (e JobError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints what Error returns, for any verb.
func (e TaskError) Format(s fmt.State, _ rune) { write(s, e.Error()) }

// LogValue returns the text that Format prints.
func (e TaskError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints the name of the field without its value, for any verb.
func (f FormField) Format(s fmt.State, _ rune) { write(s, f.outline()) }

// LogValue returns the text that Format prints.
func (f FormField) LogValue() slog.Value { return slog.StringValue(f.outline()) }

func (f FormField) outline() string { return fmt.Sprintf("form field %q", f.Name) }

// Format prints the names and sizes of the files and the host of the form, for
// any verb.
func (r TaskResult) Format(s fmt.State, _ rune) { write(s, r.outline()) }

// LogValue returns the text that Format prints.
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

// Format prints the name and the size of the file without its URL, for any verb.
func (f File) Format(s fmt.State, _ rune) { write(s, f.outline()) }

// LogValue returns the text that Format prints. Package slog does not call it for
// the elements of a slice: its JSON handler would write the URLs. Log
// [fmt.Sprint] of a slice instead.
func (f File) LogValue() slog.Value { return slog.StringValue(f.outline()) }

func (f File) outline() string { return fmt.Sprintf("file %q (%d bytes)", f.Filename, f.Size) }

// Format prints the host of the form and the number of its fields, for any verb.
func (f UploadForm) Format(s fmt.State, _ rune) { write(s, f.outline()) }

// LogValue returns the text that Format prints.
func (f UploadForm) LogValue() slog.Value { return slog.StringValue(f.outline()) }

func (f UploadForm) outline() string {
	return fmt.Sprintf("upload form of %d fields on %s", len(f.Fields), hostOf(f.URL))
}

// Format prints the outlines of the entries, for any verb.
func (p Page[T]) Format(s fmt.State, _ rune) { write(s, p.outline()) }

// LogValue returns the text that Format prints.
func (p Page[T]) LogValue() slog.Value { return slog.StringValue(p.outline()) }

func (p Page[T]) outline() string { return fmt.Sprintf("page %d %v", p.Meta.CurrentPage, p.Data) }

// Format prints the event and the outline of the job, for any verb.
func (e WebhookEvent) Format(s fmt.State, _ rune) { write(s, e.outline()) }

// LogValue returns the text that Format prints.
func (e WebhookEvent) LogValue() slog.Value { return slog.StringValue(e.outline()) }

func (e WebhookEvent) outline() string {
	return fmt.Sprintf("event %s of %s", e.Event, e.Job.outline())
}

// Format prints the status and the length of the response, without its header and
// body, for any verb.
func (r Response) Format(s fmt.State, _ rune) { write(s, r.outline()) }

// LogValue returns the text that Format prints.
func (r Response) LogValue() slog.Value { return slog.StringValue(r.outline()) }

func (r Response) outline() string {
	return strings.TrimSpace(fmt.Sprintf("response %d of %d bytes after %d attempts %s", r.StatusCode, len(r.Body), r.Attempts, r.RequestID))
}

// hostOf returns the host of a URL for display.
func hostOf(rawURL string) string {
	if target, err := url.Parse(rawURL); err == nil && target.Host != "" {
		return target.Host
	}
	return "?"
}
