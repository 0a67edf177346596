package cloudconverttest

import (
	"bytes"
	"encoding/json"
)

// The objects of the API. Their JSON names are the contract.

type wireJob struct {
	ID        string     `json:"id"`
	Tag       *string    `json:"tag"`
	Status    string     `json:"status"`
	CreatedAt string     `json:"created_at"`
	StartedAt *string    `json:"started_at"`
	EndedAt   *string    `json:"ended_at"`
	Tasks     []wireTask `json:"tasks,omitzero"`
	Links     wireSelf   `json:"links"`
}

type wireTask struct {
	ID               string         `json:"id"`
	Name             string         `json:"name,omitempty"`
	JobID            *string        `json:"job_id"`
	Status           string         `json:"status"`
	Credits          *int           `json:"credits"`
	Code             *string        `json:"code"`
	Message          *string        `json:"message"`
	Percent          int            `json:"percent"`
	Operation        string         `json:"operation"`
	Engine           *wireEngine    `json:"-"`
	Payload          map[string]any `json:"payload,omitzero"`
	Result           *wireResult    `json:"result"`
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
	DependsOnTasks   []wireTask     `json:"depends_on_tasks,omitzero"`
	Retries          []wireTask     `json:"retries,omitzero"`
	Job              *wireJob       `json:"job,omitempty"`
	Links            wireSelf       `json:"links"`
}

// wireEngine is present, with nulls where unknown, on processing tasks only.
type wireEngine struct {
	Engine        *string `json:"engine"`
	EngineVersion *string `json:"engine_version"`
}

// MarshalJSON adds engine and engine_version, if the task has them.
func (t wireTask) MarshalJSON() ([]byte, error) {
	type plain wireTask
	if t.Engine == nil {
		return encode(plain(t))
	}
	return encode(struct {
		plain
		*wireEngine
	}{plain(t), t.Engine})
}

type wireResult struct {
	Files    []wireFile     `json:"files,omitzero"`
	Form     *wireForm      `json:"form,omitempty"`
	Metadata map[string]any `json:"metadata,omitzero"`
	Output   *string        `json:"output,omitempty"`
}

type wireFile struct {
	Filename string `json:"filename"`
	Size     *int64 `json:"size,omitempty"`
	Dir      string `json:"dir,omitempty"`
	MD5      string `json:"md5,omitempty"`
	URL      string `json:"url,omitempty"`
}

type wireForm struct {
	URL        string     `json:"url"`
	Parameters parameters `json:"parameters"`
}

// parameters are the fields of an upload form in their order.
type parameters []parameter

type parameter struct {
	name  string
	value any
}

func (p parameters) MarshalJSON() ([]byte, error) {
	buf := []byte{'{'}
	for i, field := range p {
		if i > 0 {
			buf = append(buf, ',')
		}
		name, err := encode(field.name)
		if err != nil {
			return nil, err
		}
		value, err := encode(field.value)
		if err != nil {
			return nil, err
		}
		buf = append(append(append(buf, name...), ':'), value...)
	}
	return append(buf, '}'), nil
}

type wireSelf struct {
	Self string `json:"self"`
}

type wireUser struct {
	ID        int      `json:"id"`
	Username  string   `json:"username"`
	Email     string   `json:"email"`
	CreatedAt string   `json:"created_at"`
	Credits   int      `json:"credits"`
	Links     wireSelf `json:"links"`
}

type wireWebhook struct {
	ID            string   `json:"id"`
	URL           string   `json:"url"`
	Events        []string `json:"events"`
	Disabled      bool     `json:"disabled"`
	Failing       bool     `json:"failing"`
	SigningSecret string   `json:"signing_secret"`
	CreatedAt     string   `json:"created_at"`
	UpdatedAt     string   `json:"updated_at"`
	Links         wireSelf `json:"links"`
}

type wireError struct {
	Message string              `json:"message"`
	Code    string              `json:"code"`
	Errors  map[string][]string `json:"errors,omitempty"`
}

type wireData struct {
	Data any `json:"data"`
}

type wirePage struct {
	Data  any       `json:"data"`
	Links pageLinks `json:"links"`
	Meta  pageMeta  `json:"meta"`
}

type pageLinks struct {
	First string  `json:"first"`
	Last  *string `json:"last"`
	Prev  *string `json:"prev"`
	Next  *string `json:"next"`
}

type pageMeta struct {
	CurrentPage int    `json:"current_page"`
	From        *int   `json:"from"`
	Path        string `json:"path"`
	PerPage     int    `json:"per_page"`
	To          *int   `json:"to"`
}

// encode returns minified JSON without HTML escapes.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// escapeSlashes escapes slashes like the API host and the webhooks. They occur only in
// strings.
func escapeSlashes(minified []byte) []byte {
	return bytes.ReplaceAll(minified, []byte("/"), []byte(`\/`))
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
