package acceptance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// repeated returns a megabyte of an entry between what comes before and after it. A
// %d in the entry is its number.
func repeated(before, entry, after string) string {
	const size = 1 << 20
	var b strings.Builder
	b.WriteString(before)
	for n := 0; b.Len() < size && entry != ""; n++ {
		b.WriteString(strings.Replace(entry, "%d", strconv.Itoa(n), 1))
	}
	return strings.TrimSuffix(b.String(), ",") + after
}

// readers are calls that decode a response of each kind.
var readers = map[string]func(context.Context, *cloudconvert.Client) error{
	"job": func(ctx context.Context, client *cloudconvert.Client) error {
		_, err := client.Jobs.Get(ctx, "1")
		return err
	},
	"jobs": func(ctx context.Context, client *cloudconvert.Client) error {
		_, err := client.Jobs.List(ctx, cloudconvert.JobListOptions{})
		return err
	},
	"task": func(ctx context.Context, client *cloudconvert.Client) error {
		_, err := client.Tasks.Get(ctx, "1")
		return err
	},
	"tasks": func(ctx context.Context, client *cloudconvert.Client) error {
		_, err := client.Tasks.List(ctx, cloudconvert.TaskListOptions{})
		return err
	},
	"formats": func(ctx context.Context, client *cloudconvert.Client) error {
		_, err := client.Formats.List(ctx, cloudconvert.FormatListOptions{})
		return err
	},
	"webhooks": func(ctx context.Context, client *cloudconvert.Client) error {
		_, err := client.Webhooks.List(ctx, cloudconvert.WebhookListOptions{})
		return err
	},
	"user": func(ctx context.Context, client *cloudconvert.Client) error {
		_, err := client.Users.Me(ctx)
		return err
	},
	"deleted": func(ctx context.Context, client *cloudconvert.Client) error { return client.Jobs.Delete(ctx, "1") },
	"anything": func(ctx context.Context, client *cloudconvert.Client) error {
		return client.Do(ctx, http.MethodGet, "/new", nil, new(any))
	},
}

// The test counts all allocations, which are more than is held at any time. Twice the length is for the body itself.
func TestDecodingIsBoundedByTheLength(t *testing.T) { //nolint:paralleltest // it counts the allocations of the process.
	if testing.Short() {
		t.Skip("measures memory")
	}
	shapes := []struct{ kind, name, before, entry, after string }{
		{"job", "tiny tasks", `{"data":{"id":1,"tasks":[`, `{"id":1},`, `]}}`},
		{"job", "small tasks", `{"data":{"id":1,"tasks":[`, `{"id":"1","name":"aaaaa"},`, `]}}`},
		{"job", "null tasks", `{"data":{"id":1,"tasks":[`, `null,`, `]}}`},
		{"job", "number tasks", `{"data":{"id":1,"tasks":[`, `1111,`, `]}}`},
		{"job", "empty tasks", `{"data":{"id":1,"tasks":[`, `{             },`, `]}}`},
		{"job", "full tasks", `{"data":{"id":1,"tasks":[`, `{"id":"1","name":"a","operation":"convert","status":"finished","percent":100,"created_at":"2026-09-14T08:15:30+00:00","result":{"files":[{"filename":"a.png","size":1}]}},`, `]}}`},
		{"task", "many fields", `{"data":{"id":1`, `,"id":"1"`, `}}`},
		{"task", "results", `{"data":{"id":1`, `,"result":{"output":""}`, `}}`},
		{"task", "files", `{"data":{"id":1,"result":{"files":[`, `{"filename":"1.png"},`, `]}}}`},
		{"task", "tiny files", `{"data":{"id":1,"result":{"files":[`, `{},`, `]}}}`},
		{"task", "large files", `{"data":{"id":1,"result":{"files":[`, `{"filename":"page-1.png","size":12345,"dir":"a"},`, `]}}}`},
		{"task", "retries", `{"data":{"id":1,"retries":[`, `{"id":"1","name":"aaaaa"},`, `]}}`},
		{"task", "depends on ids", `{"data":{"id":1,"depends_on_task_ids":[`, `111,`, `]}}`},
		{"task", "depends on empty ids", `{"data":{"id":1,"depends_on_task_ids":[`, `  "",`, `]}}`},
		{"task", "depends on tiny ids", `{"data":{"id":1,"depends_on_task_ids":[`, `1,`, `]}}`},
		{"task", "depends on tasks", `{"data":{"id":1,"depends_on_tasks":[`, `{"id":"1","name":"aaaaa"},`, `]}}`},
		{"task", "depends on names", `{"data":{"id":1,"depends_on_tasks":{`, `"%d":1,`, `}}}`},
		{"task", "depends on longer names", `{"data":{"id":1,"depends_on_tasks":{`, `"%d":"12345678",`, `}}}`},
		{"task", "metadata", `{"data":{"id":1,"result":{"metadata":{"a":[`, `1111,`, `]}}}}`},
		{"task", "metadata of empty objects", `{"data":{"id":1,"result":{"metadata":{"a":[`, `{},`, `]}}}}`},
		{"task", "metadata of objects", `{"data":{"id":1,"result":{"metadata":{"a":[`, `{"":1,           "a":1},`, `]}}}}`},
		{"task", "metadata of lists", `{"data":{"id":1,"result":{"metadata":{"a":[`, `["a   "],`, `]}}}}`},
		{"task", "metadata of names", `{"data":{"id":1,"result":{"metadata":{`, `"%d":1,`, `}}}}`},
		{"task", "form", `{"data":{"id":1,"result":{"form":{"url":"a","parameters":{`, `"":1,`, `}}}}}`},
		{"task", "form of names", `{"data":{"id":1,"result":{"form":{"url":"a","parameters":{`, `"%d":"a",`, `}}}}}`},
		{"task", "payload", `{"data":{"id":1,"payload":[`, `1111,`, `]}}`},
		{"task", "nested", `{"data":` + strings.Repeat(`{"id":1,"retries":[`, 12), `{"id":"1","name":"aaaaa"},`, strings.Repeat(`]}`, 12) + `}`},
		{"task", "nested results", `{"data":` + strings.Repeat(`{"id":1,"retries":[`, 10) + `{"id":1,"result":{"metadata":[`, `{"":1,           "a":1},`, `]}}` + strings.Repeat(`]}`, 10) + `}`},
		{"task", "nested jobs", `{"data":` + strings.Repeat(`{"id":1,"job":{"id":1,"tasks":[`, 5), `{"id":"1","name":"aaaaa"},`, strings.Repeat(`]}}`, 5) + `}`},
		{"task", "deep payload", `{"data":{"id":1,"payload":` + strings.Repeat("[", 100_000), ` `, strings.Repeat("]", 100_000) + `}}`},
		{"task", "deep metadata", `{"data":{"id":1,"result":{"metadata":{"a":` + strings.Repeat("[", 9000), ` `, strings.Repeat("]", 9000) + `}}}}`},
		{"task", "ids", `{"data":{`, `"id":1111,`, `"id":1}}`},
		{"task", "names", `{"data":{"id":1,"depends_on_task_ids":{`, `"%d":"a",`, `}}}`},
		{"task", "metadata of small objects", `{"data":{"id":1,"result":{"metadata":{"a":[`, `{"":1             },`, `]}}}}`},
		{"task", "text", `{"data":{"id":1,"message":"`, `a`, `"}}`},
		{"task", "escapes", `{"data":{"id":1,"message":"`, `\u00e4`, `"}}`},
		{"jobs", "tiny jobs", `{"data":[`, `{"id":1},`, `]}`},
		{"jobs", "small jobs", `{"data":[`, `{"id":"1","tag":"aaaaaa"},`, `]}`},
		{"jobs", "jobs of tasks", `{"data":[`, `{"id":"1","tasks":[{"id":"1","name":"aaaaaaaaaa"}]},`, `]}`},
		{"jobs", "null jobs", `{"data":[`, `null,`, `]}`},
		{"tasks", "tiny tasks", `{"data":[`, `{"id":1},`, `]}`},
		{"tasks", "small tasks", `{"data":[`, `{"id":"1","name":"aaaaa"},`, `]}`},
		{"formats", "formats", `{"data":[`, `{"engine":"a       "},`, `]}`},
		{"formats", "options", `{"data":[{"options":[`, `{"name":"a         "},`, `]}]}`},
		{"formats", "versions", `{"data":[{"engine_versions":[`, `{"version":"1    "},`, `]}]}`},
		{"formats", "values", `{"data":[{"options":[{"name":"a","possible_values":[`, `"a",`, `]}]}]}`},
		{"webhooks", "webhooks", `{"data":[`, `{"id":"1","url":"aaaaaa"},`, `]}`},
		{"webhooks", "events", `{"data":[{"id":1,"events":[`, `111,`, `]}]}`},
		{"user", "fields", `{"data":{"id":1`, `,"":{}`, `}}`},
		{"deleted", "anything", `[`, `{                 },`, `]`},
		{"anything", "numbers", `[`, `1111,`, `]`},
		{"refused", "fields", `{"message":"a","errors":{`, `"%d":"a",`, `}}`},
		{"refused", "texts", `{"message":"a","errors":{"a":[`, `111,`, `]}}`},
		{"refused", "lists", `{"message":"a","errors":{`, `"%d":[11],`, `}}`},
		{"refused", "storage", `<Error>`, `<a/>`, `</Error>`},
		{"refused", "attributes", `<Error `, `a="" `, `></Error>`},
		{"refused", "nested storage", `<Error>`, `<a>`, ``},
		{"refused", "page", `<html>`, `<p>`, ``},
		{"webhook", "tiny tasks", `{"event":"job.finished","job":{"id":1,"tasks":[`, `{"id":1},`, `]}}`},
		{"webhook", "small tasks", `{"event":"job.finished","job":{"id":1,"tasks":[`, `{"id":"1","name":"aaaaa"},`, `]}}`},
		{"webhook", "events", `{"event":"job.finished","job":{"id":1,"tasks":[{"id":1}]},"more":[`, `1,`, `]}`},
	}
	for _, shape := range shapes { //nolint:paralleltest // as above.
		t.Run(shape.kind+" "+shape.name, func(t *testing.T) {
			body := repeated(shape.before, shape.entry, shape.after)
			status, read := http.StatusOK, readers[shape.kind]
			switch shape.kind {
			case "refused":
				status, read = http.StatusUnprocessableEntity, readers["job"]
			case "webhook":
				read = func(ctx context.Context, _ *cloudconvert.Client) error {
					r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body))
					r.Header.Set("Content-Type", "application/json")
					r.Header.Set("CloudConvert-Signature", cloudconvert.SignWebhook([]byte(body), "secret"))
					_, err := cloudconvert.ParseWebhook(r, "secret")
					return err
				}
			}
			client := testkit.NewClient(t, func(*http.Request) (int, string) { return status, body })
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := read(t.Context(), client)
			runtime.ReadMemStats(&after)
			times := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(body))
			t.Logf("%.1f times %d bytes: %.200v", times, len(body), err)
			assert.Less(t, times, 45.0)
		})
	}
}

// Responses without white space have far fewer values than the limit, and so have the largest that programs ask for.
func TestRecordedResponsesAreNotTooDense(t *testing.T) {
	if testing.Short() {
		t.Skip("measures memory")
	}
	t.Parallel()
	files, err := filepath.Glob("../../testdata/answers/*.json")
	require.NoError(t, err)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		var plain any
		require.NoError(t, json.Unmarshal(data, &plain))
		data, err = json.Marshal(plain)
		require.NoError(t, err)
		many := bytes.Repeat(data, 1+(1<<20)/len(data))
		require.NoError(t, lenient.CheckDensity(many), name)
	}
	for name, body := range map[string]string{
		"tasks":   repeated(`{"data":[`, `{"id":"%d","operation":"convert","status":"finished"},`, `]}`),
		"job":     repeated(`{"data":{"id":1,"tasks":[`, `{"id":"%d","operation":"convert","status":"finished"},`, `]}}`),
		"task":    repeated(`{"data":{"id":1,"result":{"files":[`, `{"filename":"page-%d.png"},`, `]}}}`),
		"formats": repeated(`{"data":[`, `{"operation":"convert","input_format":"a%d","output_format":"b","credits":1},`, `]}`),
	} {
		client := testkit.NewClient(t, func(*http.Request) (int, string) { return http.StatusOK, body })
		require.NoError(t, readers[name](t.Context(), client), name)
	}
}
