// Package wire has the objects of the API. Their JSON names are the contract.
package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// Job is a job.
type Job struct {
	ID        string  `json:"id"`
	Tag       *string `json:"tag"`
	Status    string  `json:"status"`
	CreatedAt string  `json:"created_at"`
	StartedAt *string `json:"started_at"`
	EndedAt   *string `json:"ended_at"`
	Tasks     []Task  `json:"tasks,omitzero"`
	Links     Self    `json:"links"`
}

// Task is a task.
type Task struct {
	ID               string         `json:"id"`
	Name             string         `json:"name,omitempty"`
	JobID            *string        `json:"job_id"`
	Status           string         `json:"status"`
	Credits          *int           `json:"credits"`
	Code             *string        `json:"code"`
	Message          *string        `json:"message"`
	Percent          int            `json:"percent"`
	Operation        string         `json:"operation"`
	Engine           *Engine        `json:"-"`
	Payload          map[string]any `json:"payload,omitzero"`
	Result           *Result        `json:"result"`
	CreatedAt        string         `json:"created_at"`
	StartedAt        *string        `json:"started_at"`
	EndedAt          *string        `json:"ended_at"`
	RetryOfTaskID    *string        `json:"retry_of_task_id"`
	CopyOfTaskID     *string        `json:"copy_of_task_id"`
	UserID           int            `json:"user_id"`
	Priority         int            `json:"priority"`
	HostName         *string        `json:"host_name"`
	Storage          *string        `json:"storage"`
	Region           string         `json:"region"`
	DependsOnTaskIDs []string       `json:"depends_on_task_ids"`
	DependsOnTasks   []Task         `json:"depends_on_tasks,omitzero"`
	Retries          []Task         `json:"retries,omitzero"`
	Job              *Job           `json:"job,omitempty"`
	Links            Self           `json:"links"`
}

// Engine is present, with nulls where unknown, on processing tasks only.
type Engine struct {
	Engine        *string `json:"engine"`
	EngineVersion *string `json:"engine_version"`
}

// MarshalJSON adds engine and engine_version, if the task has them.
func (t Task) MarshalJSON() ([]byte, error) {
	type plain Task
	if t.Engine == nil {
		return Encode(plain(t))
	}
	return Encode(struct {
		plain
		*Engine
	}{plain(t), t.Engine})
}

// Result is the result of a task.
type Result struct {
	Files    []File         `json:"files,omitzero"`
	Form     *Form          `json:"form,omitempty"`
	Metadata map[string]any `json:"metadata,omitzero"`
	Output   *string        `json:"output,omitempty"`
}

// File is a file in a result.
type File struct {
	Filename string `json:"filename"`
	Size     *int64 `json:"size,omitempty"`
	Dir      string `json:"dir,omitempty"`
	MD5      string `json:"md5,omitempty"`
	URL      string `json:"url,omitempty"`
}

// Form is an upload form.
type Form struct {
	URL        string     `json:"url"`
	Parameters Parameters `json:"parameters"`
}

// Parameters are the fields of an upload form in their order.
type Parameters []Parameter

// Parameter is a field of an upload form. Its value is a string or a number.
type Parameter struct {
	Name  string
	Value any
}

// MarshalJSON keeps the order.
func (p Parameters) MarshalJSON() ([]byte, error) {
	buf := []byte{'{'}
	for i, field := range p {
		if i > 0 {
			buf = append(buf, ',')
		}
		name, err := Encode(field.Name)
		if err != nil {
			return nil, err
		}
		value, err := Encode(field.Value)
		if err != nil {
			return nil, err
		}
		buf = append(append(append(buf, name...), ':'), value...)
	}
	return append(buf, '}'), nil
}

// Self is the link of an object.
type Self struct {
	Self string `json:"self"`
}

// User is the account.
type User struct {
	ID        int    `json:"id"`
	Username  string `json:"username"`
	Email     string `json:"email"`
	CreatedAt string `json:"created_at"`
	Credits   int    `json:"credits"`
	Links     Self   `json:"links"`
}

// Webhook is a webhook of the account.
type Webhook struct {
	ID            string   `json:"id"`
	URL           string   `json:"url"`
	Events        []string `json:"events"`
	Disabled      bool     `json:"disabled"`
	Failing       bool     `json:"failing"`
	SigningSecret string   `json:"signing_secret"`
	CreatedAt     string   `json:"created_at"`
	UpdatedAt     string   `json:"updated_at"`
	Links         Self     `json:"links"`
}

// Error is an error response.
type Error struct {
	Message string              `json:"message"`
	Code    string              `json:"code"`
	Errors  map[string][]string `json:"errors,omitempty"`
}

// Data is the envelope of an object.
type Data struct {
	Data any `json:"data"`
}

// Page is a page of a list.
type Page struct {
	Data  any       `json:"data"`
	Links PageLinks `json:"links"`
	Meta  PageMeta  `json:"meta"`
}

// PageLinks are the links of a page.
type PageLinks struct {
	First string  `json:"first"`
	Last  *string `json:"last"`
	Prev  *string `json:"prev"`
	Next  *string `json:"next"`
}

// PageMeta describes a page.
type PageMeta struct {
	CurrentPage int    `json:"current_page"`
	From        *int   `json:"from"`
	Path        string `json:"path"`
	PerPage     int    `json:"per_page"`
	To          *int   `json:"to"`
}

// Encode returns minified JSON without HTML escapes.
func Encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// EscapeSlashes escapes slashes like the API host and the webhooks. They occur only in
// strings.
func EscapeSlashes(minified []byte) []byte {
	return bytes.ReplaceAll(minified, []byte("/"), []byte(`\/`))
}

// OrNull returns nil for an empty string.
func OrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// WriteBody writes a response with its length.
func WriteBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Server", "nginx")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has disconnected
}
