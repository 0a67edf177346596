package cloudconvert_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// latin1 is text that is not UTF-8, so that JSON cannot carry it.
const latin1 = "caf\xe9"

// latin1JSON encodes itself, wrongly.
type latin1JSON struct{}

func (latin1JSON) MarshalJSON() ([]byte, error) { return []byte(`"` + latin1 + `"`), nil }

// latin1Text gives its text to be encoded.
type latin1Text struct{}

func (latin1Text) MarshalText() ([]byte, error) { return []byte(latin1), nil }

// Text that would come to the service as another one is refused before anything is sent, and the error says which.
func TestTextThatJSONCannotCarry(t *testing.T) {
	t.Parallel()
	raw := func(value any) *cloudconvert.JobRequest {
		return &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{"a": cloudconvert.RawTask{Op: "command", Fields: map[string]any{"x": value}}}}
	}
	job := func(r *cloudconvert.JobRequest) func(context.Context, *cloudconvert.Client) error {
		return func(ctx context.Context, client *cloudconvert.Client) error {
			if _, err := client.Run(ctx, r, cloudconvert.WithPendingUpload()); !errors.Is(err, cloudconvert.ErrInvalid) {
				return err
			}
			_, err := client.Jobs.Create(ctx, r)
			return err
		}
	}
	tagged := raw("x")
	tagged.Tag = latin1
	hooked := raw("x")
	hooked.WebhookURL = "https://example.com/?token=" + latin1
	for name, c := range map[string]struct {
		call  func(context.Context, *cloudconvert.Client) error
		names string
	}{
		"tag":         {job(tagged), "tag"},
		"webhook URL": {job(hooked), "webhook_url"},
		"task name":   {job(&cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{latin1: cloudconvert.ImportUpload{}}}), `"caf\xe9"`},
		"operation":   {job(&cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{"a": cloudconvert.RawTask{Op: latin1}}}), "parameter operation"},
		"content": {
			job(cloudconvert.Pipeline(cloudconvert.ImportRaw{File: latin1, Filename: "a.txt"}, cloudconvert.ExportURL{})),
			"ImportBase64",
		},
		"filename":               {job(cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "x", Filename: latin1 + ".txt"})), "parameter filename"},
		"header":                 {job(cloudconvert.Pipeline(cloudconvert.ImportURL{URL: "https://example.com", Headers: map[string]string{"X": latin1}})), "parameter headers.X"},
		"option":                 {job(cloudconvert.Pipeline(cloudconvert.ImportUpload{Options: cloudconvert.Options{"o": latin1}})), "parameter o is"},
		"option's key":           {job(cloudconvert.Pipeline(cloudconvert.ImportUpload{Options: cloudconvert.Options{latin1: 1}})), `"caf\xe9"`},
		"list":                   {job(raw([]string{"a", latin1})), "parameter x[1]"},
		"deeper":                 {job(raw(map[string]any{"b": []any{struct{ C *string }{new(latin1)}}})), "parameter x.b[0].C"},
		"encodes itself as JSON": {job(raw(latin1JSON{})), "UTF-8"},
		"encodes itself as text": {job(raw(latin1Text{})), "parameter x is"},
		"key that is text":       {job(raw(map[latin1Text]int{{}: 1})), "parameter x."},
		"raw JSON":               {job(raw(json.RawMessage(`"` + latin1 + `"`))), "UTF-8"},
		"single task": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Tasks.Create(ctx, cloudconvert.ImportURL{URL: "https://example.com/" + latin1})
			return err
		}, "url"},
		"webhook": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Webhooks.Create(ctx, cloudconvert.WebhookRequest{
				URL: "https://example.com/?token=" + latin1, Events: []cloudconvert.Event{cloudconvert.EventJobFailed},
			})
			return err
		}, "url"},
		"event": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Webhooks.Create(ctx, cloudconvert.WebhookRequest{URL: "https://example.com", Events: []cloudconvert.Event{latin1}})
			return err
		}, "events[0]"},
		"Do": {func(ctx context.Context, client *cloudconvert.Client) error {
			return client.Do(ctx, http.MethodPost, "/jobs", map[string]any{"a": latin1}, nil)
		}, "a"},
		"Do with a job": {func(ctx context.Context, client *cloudconvert.Client) error {
			return client.Do(ctx, http.MethodPost, "/jobs", tagged, nil)
		}, "tag"},
		"Do with text": {func(ctx context.Context, client *cloudconvert.Client) error {
			return client.Do(ctx, http.MethodPost, "/jobs", latin1, nil)
		}, "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EndedJob))
			err := c.call(t.Context(), client)
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			require.ErrorContains(t, err, c.names)
			assert.NotContains(t, err.Error(), "token=")
			assert.Empty(t, script.URLs())
		})
	}
}

func TestValidateSaysWhichTextIsBroken(t *testing.T) {
	t.Parallel()
	request := cloudconvert.Pipeline(cloudconvert.ImportRaw{File: latin1, Filename: "a.txt"}, cloudconvert.ExportURL{})
	err := request.Validate()
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, err, `task "import-raw": import/raw: parameter file is not UTF-8 text`)
}

// The same of works, whichever way the size of a file makes them take.
func TestRunRefusesTextThatJSONCannotCarry(t *testing.T) {
	t.Parallel()
	for size, limit := range map[string]int64{"inline": 1000, "uploaded": 0} {
		path := testkit.WriteFile(t, filepath.Join(t.TempDir(), latin1+".txt"), "text")
		text := cloudconvert.FromBytes("a.txt", []byte("text"))
		for name, c := range map[string]struct {
			src     cloudconvert.Source
			convert cloudconvert.Convert
			export  cloudconvert.ExportURL
			tag     string
			hook    string
			names   string
		}{
			"name":                   {src: cloudconvert.FromBytes(latin1+".txt", []byte("text")), names: `caf\xe9`},
			"name of a file":         {src: cloudconvert.FromFile(path), names: `caf\xe9`},
			"name of a reader":       {src: cloudconvert.FromReader(latin1+".txt", strings.NewReader("text")), names: `caf\xe9`},
			"name set by WithName":   {src: text.WithName(latin1 + ".txt"), names: "UTF-8"},
			"name with a line break": {src: cloudconvert.FromBytes("a\nb.txt", []byte("text")), names: `a\nb`},
			"name with a zero byte":  {src: cloudconvert.FromBytes("a\x00b.txt", []byte("text")), names: `a\x00b`},
			"URL":                    {src: cloudconvert.FromURL("https://example.com/a.txt?" + latin1), names: "url"},
			"tag":                    {src: text, tag: latin1, names: "tag"},
			"option":                 {src: text, convert: cloudconvert.Convert{Options: cloudconvert.Options{"pages": latin1}}, names: "pages"},
			"option's key":           {src: text, convert: cloudconvert.Convert{Options: cloudconvert.Options{latin1: 1}}, names: `"caf\xe9"`},
			"engine":                 {src: text, convert: cloudconvert.Convert{Engine: latin1, EngineVersion: latin1}, names: "engine"},
			"file name":              {src: text, convert: cloudconvert.Convert{Filename: latin1}, names: "filename"},
			"export":                 {src: text, export: cloudconvert.ExportURL{Options: cloudconvert.Options{"a": latin1}}, names: `"export-url": export/url: parameter a`},
			"webhook":                {src: text, hook: "https://example.com/" + latin1, names: "webhook_url"},
		} {
			t.Run(size+"/"+name, func(t *testing.T) {
				t.Parallel()
				client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EndedJob))
				c.convert.OutputFormat = "pdf"
				request := cloudconvert.Pipeline(c.src, c.convert, c.export)
				request.Tag, request.WebhookURL = c.tag, c.hook
				results := 0
				works := slices.Values([]cloudconvert.Work{{Request: request}})
				for result := range client.RunAll(t.Context(), works, cloudconvert.WithInlineLimit(limit)) {
					require.ErrorIs(t, result.Err, cloudconvert.ErrInvalid)
					require.ErrorContains(t, result.Err, c.names)
					results++
				}
				assert.Equal(t, 1, results)
				_, err := client.Run(t.Context(), request, cloudconvert.WithInlineLimit(limit))
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				require.ErrorContains(t, err, c.names)
				assert.Empty(t, script.URLs())
			})
		}
	}
}

// A journal is JSON as well: what it could not tell apart would be made twice.
func TestJournalRefusesTextThatJSONCannotCarry(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]cloudconvert.Work{
		"name":        {Name: latin1},
		"destination": {Name: "k", Destination: filepath.Join(t.TempDir(), latin1+".pdf")},
		"both":        {Name: latin1, Destination: filepath.Join(t.TempDir(), latin1+".pdf")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EndedJob))
			work.Request = converting(cloudconvert.FromBytes("a.txt", []byte("text")), "pdf")
			journal := cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal"))
			results := slices.Collect(client.RunAll(t.Context(), slices.Values([]cloudconvert.Work{work}), journal))
			require.Len(t, results, 1)
			require.ErrorIs(t, results[0].Err, cloudconvert.ErrInvalid)
			require.ErrorContains(t, results[0].Err, "UTF-8")
			assert.Empty(t, script.URLs())
		})
	}
}

// One error says what to do about the name of a file, for the journal and for the upload.
func TestJournalRefusesNameOfSource(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t)
	work := cloudconvert.Work{Request: converting(cloudconvert.FromBytes(latin1+".txt", []byte("text")), "pdf")}
	journal := cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal"))
	results := slices.Collect(client.RunAll(t.Context(), slices.Values([]cloudconvert.Work{work}), journal))
	require.Len(t, results, 1)
	require.ErrorIs(t, results[0].Err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, results[0].Err, "set Name")
	require.ErrorContains(t, results[0].Err, "use Source.WithName")
	assert.Empty(t, script.URLs())
}

// Text that only looks odd is sent as it is.
func TestTextThatJSONCanCarry(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\uFFFD", `\ufffd`, "\x00\x1b\u2028<&>", "日本語", "\U0001F600"} {
		client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EndedJob))
		request := cloudconvert.Pipeline(cloudconvert.ImportRaw{File: text, Filename: "a.txt", Options: cloudconvert.Options{
			text: []byte(latin1), "n": json.Number("1"), "nil": nil, "j": json.RawMessage(`"\ufffd"`),
		}})
		_, err := client.Jobs.Create(t.Context(), request)
		require.NoError(t, err)
		var sent struct {
			Tasks map[string]struct {
				File string `json:"file"`
			} `json:"tasks"`
		}
		require.NoError(t, json.Unmarshal([]byte(script.Bodies[0]), &sent))
		assert.Equal(t, text, sent.Tasks["import-raw"].File)
	}
}

// node is a value of a user's type.
type node struct {
	Name   string
	Next   any   `json:",omitempty"`
	Parent *node `json:"-"`
}

// inner is embedded without being exported, which encoding/json allows.
type inner struct{ Name string }

func TestParametersRefuseTasksAndCycles(t *testing.T) {
	t.Parallel()
	const cycle, task = "contains itself", "is a task"
	for name, c := range map[string]struct {
		value func(cloudconvert.Options) any
		want  string
	}{
		"the map":             {func(o cloudconvert.Options) any { return o }, cycle},
		"the map, twice":      {func(o cloudconvert.Options) any { return map[string]any{"a": o, "b": o} }, cycle},
		"a map of it":         {func(o cloudconvert.Options) any { return map[string]cloudconvert.Options{"a": o} }, cycle},
		"a list of it":        {func(o cloudconvert.Options) any { return []any{1, []cloudconvert.Options{o}} }, cycle},
		"an array of it":      {func(o cloudconvert.Options) any { return [1]any{o} }, cycle},
		"a pointer to it":     {func(o cloudconvert.Options) any { return &o }, cycle},
		"a struct":            {func(o cloudconvert.Options) any { return node{Next: &node{Next: o}} }, cycle},
		"a task":              {func(cloudconvert.Options) any { return cloudconvert.ImportURL{URL: "https://a.example"} }, task},
		"a list of tasks":     {func(cloudconvert.Options) any { return []any{&cloudconvert.ImportUpload{}} }, task},
		"its task":            {func(o cloudconvert.Options) any { return convertWith(o) }, task},
		"a pointer to a task": {func(o cloudconvert.Options) any { return &cloudconvert.RawTask{Op: "new", Fields: o} }, task},
		"tasks":               {func(o cloudconvert.Options) any { return cloudconvert.Tasks{"a": convertWith(o)} }, task},
		"a job":               {func(o cloudconvert.Options) any { return cloudconvert.Pipeline(convertWith(o)) }, task},
		"deep":                {func(o cloudconvert.Options) any { return []any{[]any{map[string]any{"a": convertWith(o)}}} }, task},
		"a list of itself": {func(cloudconvert.Options) any {
			list := []any{nil}
			list[0] = list
			return list
		}, cycle},
		"a pointer to itself": {func(cloudconvert.Options) any {
			var p any
			p = &p
			return p
		}, cycle},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, key := range []string{"extra", "input", "engine_version"} {
				options := cloudconvert.Options{}
				options[key] = c.value(options)
				for _, task := range []cloudconvert.TaskRequest{
					cloudconvert.Convert{OutputFormat: "jpg", Options: options},
					cloudconvert.RawTask{Op: "convert", Fields: options},
					cloudconvert.MetadataWrite{Metadata: options},
				} {
					assertRefused(t, task, c.want)
				}
			}
		})
	}
}

// assertRefused checks that a task is refused wherever it could be sent or encoded.
func assertRefused(t *testing.T, task cloudconvert.TaskRequest, want string) {
	t.Helper()
	job := cloudconvert.Pipeline(cloudconvert.ImportUpload{}, task)
	client, script := testkit.NewScript(t)
	_, marshalErr := json.Marshal(task)
	require.ErrorContains(t, marshalErr, want)
	assert.Less(t, len(marshalErr.Error()), 300)
	_, taskErr := client.Tasks.Create(t.Context(), task)
	_, jobErr := client.Jobs.Create(t.Context(), job)
	for _, err := range []error{
		job.Validate(), taskErr, jobErr, client.Do(t.Context(), http.MethodPost, "/jobs", job, nil),
	} {
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		require.ErrorContains(t, err, want)
	}
	require.ErrorIs(t, images.Validate(task), cloudconvert.ErrInvalid)
	assert.Empty(t, script.URLs())
	assert.NotEmpty(t, testkit.Printed(t, task))
}

func TestDoRefusesCycles(t *testing.T) {
	t.Parallel()
	value := map[string]any{}
	value["a"], value["b"] = value, value
	client, script := testkit.NewScript(t)
	err := client.Do(t.Context(), http.MethodPost, "/jobs", value, nil)
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, err, "contains itself")
	assert.Empty(t, script.URLs())
}

func TestParametersMayShareAndNestValues(t *testing.T) {
	t.Parallel()
	child := &node{Name: "child", Parent: &node{}}
	child.Parent.Next = child
	shared := map[string]any{"a": []any{1, "b", nil, true}}
	var deep any = "bottom"
	for range 49 {
		deep = map[string]any{"a": []string{}, "b": []any{deep}}
	}
	task := convertWith(cloudconvert.Options{
		"child": child, "shared": []any{shared, shared, &shared}, "time": time.Time{}, "pointer": new(7), "bytes": []byte("a"),
		"nil": (*cloudconvert.Convert)(nil), "nil text": (*netip.Addr)(nil), "deep": deep, "embedded": struct{ inner }{inner{Name: "inner"}},
	})
	require.NoError(t, cloudconvert.Pipeline(&cloudconvert.ImportUpload{}).Validate())
	encoded := testkit.Encode(t, task)
	assert.Contains(t, encoded, `"child":{"Name":"child"}`)
	assert.Contains(t, encoded, `"embedded":{"Name":"inner"}`)
	assert.Contains(t, encoded, "bottom")
}
