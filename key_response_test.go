package cloudconvert_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// changedResponses returns a client whose responses to reads are changed.
func changedResponses(server *cloudconverttest.Server, change func(path string, body map[string]any)) *cloudconvert.Client {
	inner := server.HTTPClient().Transport
	transport := testkit.Reply(func(r *http.Request) (*http.Response, error) {
		response, err := inner.RoundTrip(r)
		if err != nil || r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, "/v2/") {
			return response, err
		}
		text, err := io.ReadAll(response.Body)
		if err != nil {
			return nil, err
		}
		if err := response.Body.Close(); err != nil {
			return nil, err
		}
		var body map[string]any
		if json.Unmarshal(text, &body) == nil {
			change(r.URL.Path, body)
			text, _ = json.Marshal(body)
		}
		response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		response.Header.Del("Content-Length")
		return response, nil
	})
	return server.Client(cloudconvert.WithHTTPClient(&http.Client{Transport: transport}))
}

// eachTask calls change for the tasks in a response.
func eachTask(value any, change func(task map[string]any)) {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			eachTask(v, change)
		}
	case map[string]any:
		if value["operation"] != nil && value["id"] != nil {
			change(value)
			return
		}
		for _, v := range value {
			eachTask(v, change)
		}
	}
}

// A list may not have a job that was created a moment ago. The client that created it
// knows it.
func TestKeyWithLateLists(t *testing.T) {
	t.Parallel()
	for name, calls := range map[string]func(t *testing.T, client *cloudconvert.Client, request *cloudconvert.JobRequest){
		"one after the other": func(t *testing.T, client *cloudconvert.Client, request *cloudconvert.JobRequest) {
			t.Helper()
			for range 2 {
				_, err := client.Start(t.Context(), request, cloudconvert.WithKey("k"))
				require.NoError(t, err)
			}
		},
		"at once": func(t *testing.T, client *cloudconvert.Client, request *cloudconvert.JobRequest) {
			t.Helper()
			var calls sync.WaitGroup
			for range 3 {
				calls.Go(func() {
					_, err := client.Start(t.Context(), request, cloudconvert.WithKey("k"))
					assert.NoError(t, err)
				})
			}
			calls.Wait()
		},
		"after an interrupted wait": func(t *testing.T, client *cloudconvert.Client, request *cloudconvert.JobRequest) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := client.Run(ctx, request, cloudconvert.WithKey("k"))
			require.True(t, cloudconvert.IsRetryable(err), err)
			_, err = client.Run(t.Context(), request, cloudconvert.WithKey("k"))
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := changedResponses(server, func(path string, body map[string]any) {
					list, ok := body["data"].([]any)
					if !ok || path != "/v2/jobs" {
						return
					}
					body["data"] = slices.DeleteFunc(list, func(job any) bool {
						entry, _ := job.(map[string]any)
						text, _ := entry["created_at"].(string)
						created, err := time.Parse(time.RFC3339, text)
						return err == nil && time.Since(created) < 10*time.Second
					})
				})
				calls(t, client, toPDF(cloudconvert.FromBytes("a.txt", []byte(testkit.Content(testkit.InlineDefault+1)))))
				assert.Equal(t, 1, testkit.JobCount(server))
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// The service may report the parameters and files of a job in another form than they were
// sent. That is not a conflict.
func TestKeyWithOtherForms(t *testing.T) {
	t.Parallel()
	setPayload := func(name string, value any) func(map[string]any) {
		return func(task map[string]any) {
			if payload, ok := task["payload"].(map[string]any); ok && payload[name] != nil {
				payload[name] = value
			}
		}
	}
	inFiles := func(change func(file map[string]any)) func(map[string]any) {
		return func(task map[string]any) {
			result, _ := task["result"].(map[string]any)
			files, _ := result["files"].([]any)
			for _, file := range files {
				if file, ok := file.(map[string]any); ok {
					change(file)
				}
			}
		}
	}
	convert := func(options cloudconvert.Options) *cloudconvert.JobRequest {
		return cloudconvert.Pipeline(cloudconvert.FromBytes("a (1).txt", []byte("text")), cloudconvert.Convert{OutputFormat: "pdf", Options: options})
	}
	for name, c := range map[string]struct {
		request *cloudconvert.JobRequest
		change  func(task map[string]any)
	}{
		"million as text":     {convert(cloudconvert.Options{"o": 2_000_000}), setPayload("o", "2000000")},
		"text as million":     {convert(cloudconvert.Options{"o": "2000000"}), setPayload("o", 2_000_000)},
		"fraction":            {convert(cloudconvert.Options{"o": 1.5}), setPayload("o", "1.50")},
		"boolean as number":   {convert(cloudconvert.Options{"o": true}), setPayload("o", 1)},
		"trimmed":             {convert(cloudconvert.Options{"o": " a "}), setPayload("o", "a")},
		"list of one":         {convert(cloudconvert.Options{"o": []string{"a"}}), setPayload("o", "a")},
		"object as text":      {convert(cloudconvert.Options{"o": map[string]any{"a": 1}}), setPayload("o", `{"a":1}`)},
		"name of the format":  {cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Convert{OutputFormat: "jpeg"}), setPayload("output_format", "jpg")},
		"payload is null":     {convert(nil), func(task map[string]any) { task["payload"] = nil }},
		"payload is a list":   {convert(nil), func(task map[string]any) { task["payload"] = []any{} }},
		"no dependencies":     {convert(nil), func(task map[string]any) { task["depends_on_task_ids"] = nil }},
		"no size":             {convert(nil), inFiles(func(file map[string]any) { file["size"] = 0 })},
		"name without spaces": {convert(nil), inFiles(func(file map[string]any) { file["filename"] = "a_(1).TXT" })},
		"image by its id": {&cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
			"a": cloudconvert.FromBytes("a.txt", []byte("text")), "logo": cloudconvert.FromBytes("l.png", []byte("png")),
			"mark": cloudconvert.Watermark{Input: []string{"a"}, Image: "logo"},
		}}, setPayload("image", "11111111-2222-4333-8444-555555555555")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := changedResponses(server, func(_ string, body map[string]any) { eachTask(body, c.change) })
				first, err := server.Client().Start(t.Context(), c.request, cloudconvert.WithKey("k"))
				require.NoError(t, err)
				testkit.Advance(testkit.TaskTime + time.Second) // the file is imported
				second, err := client.Start(t.Context(), c.request, cloudconvert.WithKey("k"))
				require.NoError(t, err)
				assert.Equal(t, first.ID, second.ID)
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// Lists may lack the results of a job, and its tasks.
func TestKeyWithIncompleteLists(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string, body map[string]any){
		"no results": func(path string, body map[string]any) {
			if path == "/v2/jobs" {
				eachTask(body, func(task map[string]any) { task["result"] = nil })
			}
		},
		"no tasks": func(path string, body map[string]any) {
			list, _ := body["data"].([]any)
			for _, entry := range list {
				if job, ok := entry.(map[string]any); ok && path == "/v2/jobs" {
					job["tasks"] = nil
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				request := toPDF(cloudconvert.FromBytes("a.txt", []byte("text")))
				first, err := server.Client().Run(t.Context(), request, cloudconvert.WithKey("k"))
				require.NoError(t, err)
				second, err := changedResponses(server, change).Run(t.Context(), request, cloudconvert.WithKey("k"))
				require.NoError(t, err)
				assert.Equal(t, first.Files(), second.Files())
			})
		})
	}
}

// A finished job is continued, although one of its tasks was deleted.
func TestKeyWithDeletedTask(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		request := toPDF(cloudconvert.FromBytes("a.txt", []byte("text")))
		first, err := server.Client().Run(t.Context(), request, cloudconvert.WithKey("k"))
		require.NoError(t, err)
		source, found := first.Task("source")
		require.True(t, found)
		require.NoError(t, server.Client().Tasks.Delete(t.Context(), source.ID))
		second, err := server.Client().Run(t.Context(), request, cloudconvert.WithKey("k"))
		require.NoError(t, err)
		assert.Equal(t, first.ID, second.ID)
	})
}

// A job whose upload the storage refuses would wait for ever.
func TestKeyDeletesJobWithRefusedUpload(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(cloudconverttest.Fault{Path: "storage:upload", Status: http.StatusForbidden})
		_, err := server.Client().Run(t.Context(), toPDF(cloudconvert.FromBytes("a.txt", []byte(testkit.Content(testkit.InlineDefault+1)))), cloudconvert.WithKey("k"))
		require.ErrorIs(t, err, cloudconvert.ErrForbidden)
		assert.False(t, cloudconvert.IsRetryable(err))
		assert.Zero(t, testkit.JobCount(server))
	})
}

// A job whose upload form has expired is replaced.
func TestKeyReplacesJobWithExpiredForm(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		request := toPDF(cloudconvert.FromBytes("a.txt", []byte(testkit.Content(testkit.InlineDefault+1))))
		server.Inject(cloudconverttest.Fault{Path: "storage:upload", Kind: cloudconverttest.Stall})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := server.Client().Run(ctx, request, cloudconvert.WithKey("k"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, testkit.JobCount(server))
		first := server.Jobs()[0].ID
		server.ClearFaults()
		server.Inject(cloudconverttest.Fault{Path: "storage:upload", Status: http.StatusForbidden, Times: 1})
		job, err := server.Client().Run(t.Context(), request, cloudconvert.WithKey("k"))
		require.NoError(t, err)
		assert.NotEqual(t, first, job.ID)
		assert.Equal(t, 1, testkit.JobCount(server), "the first is deleted")
	})
}

// A failed job that lists do not have yet is not taken for the one whose response was
// lost.
func TestKeySettlesWithLateLists(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		hidden := true
		client := changedResponses(server, func(path string, body map[string]any) {
			if path == "/v2/jobs" && hidden {
				body["data"], hidden = []any{}, false
			}
		})
		request := cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Convert{OutputFormat: "bad"})
		first, err := client.Run(t.Context(), request, cloudconvert.WithKey("k"))
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		hidden = true
		server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Kind: cloudconverttest.Reset, Times: 1})
		_, err = client.Run(t.Context(), request, cloudconvert.WithKey("k"))
		require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
		require.NotNil(t, first)
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

// The redirect to a file names no job, but there is one.
func TestKeyRemembersRedirect(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		hidden := 2
		client := changedResponses(server, func(path string, body map[string]any) {
			if path == "/v2/jobs" && hidden > 0 {
				body["data"] = []any{}
				hidden--
			}
		})
		for range 2 {
			_, err := client.Jobs.CreateForURL(t.Context(), remotely(), cloudconvert.WithKey("k"))
			require.NoError(t, err)
		}
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}
