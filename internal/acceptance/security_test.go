package acceptance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// The message of a failed task quotes the URL that it could not fetch.
func TestFailedTasksPrintNoQueries(t *testing.T) {
	t.Parallel()
	client, _ := testkit.NewScript(t, testkit.Says(200, `{"data":{"id":"job-1","status":"error","tasks":[{"id":"t","name":"in","operation":"import/url","status":"error",
		"code":"X","message":"cannot fetch https://a.example/b?sig=s3cr3t now"}]}}`))
	_, err := client.Jobs.Wait(t.Context(), "job-1")
	var job *cloudconvert.JobError
	require.ErrorAs(t, err, &job)
	for _, value := range []any{job, *job, job.Tasks[0], *job.Tasks[0]} {
		assert.NotContains(t, testkit.Printed(t, value)+testkit.Logged(value), "s3cr3t")
		assert.Contains(t, testkit.Logged(value), "cannot fetch https://a.example/b?... now")
	}
	assert.NotContains(t, testkit.Printed(t, job.Tasks), "s3cr3t")
	assert.Equal(t, err.Error(), fmt.Sprintf("%#v", err))
}

// visibleError is the error of a transport that keeps the request.
type visibleError struct{ sent string }

func (visibleError) Error() string { return "broken" }

func TestErrorsDoNotPrintTransportErrors(t *testing.T) {
	t.Parallel()
	client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, func(req *http.Request) (*http.Response, error) {
		return nil, visibleError{req.Header.Get("Authorization")}
	})
	_, err := client.Users.Me(t.Context())
	var broken visibleError
	require.ErrorAs(t, err, &broken)
	assert.Contains(t, broken.sent, testkit.Key)
	assert.NotContains(t, testkit.Printed(t, err)+testkit.Logged(err), testkit.Key)
	assert.Equal(t, err.Error(), fmt.Sprintf("%#v", err))
}

// A caller may pass a secret in place of an id.
func TestErrorsDoNotQuoteInvalidIDs(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t)
	for _, id := range []string{"https://a.example/s3cr3t", "a/s3cr3t", "s3cr3t?a", "s3cr3t%41", "a:s3cr3t", "s3cr3t \n", "s3cr3t\u00a0", "a\\s3cr3t", testkit.Key} {
		_, err := client.Jobs.Get(t.Context(), id)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid, id)
		assert.NotContains(t, err.Error(), "s3cr3t")
		assert.NotContains(t, err.Error(), testkit.Key)
	}
	err := client.Do(t.Context(), http.MethodGet, "/jobs/"+testkit.Key+"/tasks", nil, nil)
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	assert.NotContains(t, err.Error(), testkit.Key)
	assert.Empty(t, script.Requests)
}

func TestKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, testkit.Says(http.StatusUnauthorized, `{"message":"Unauthenticated."}`))
	_, failure := client.Users.Me(t.Context())
	require.Error(t, failure)
	for name, value := range map[string]any{
		"client": client, "client, by value": *client, "jobs": client.Jobs, "jobs, by value": *client.Jobs,
		"error": failure, "struct": struct{ Client *cloudconvert.Client }{client},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NotContains(t, testkit.Printed(t, value), testkit.Key)
			assert.NotContains(t, testkit.Logged(value), testkit.Key)
		})
	}
	assert.Contains(t, fmt.Sprintf("%+v", client), "api.example.com")
}

func TestErrorsHaveNoKey(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]testkit.Reply{
		"refused": testkit.Says(401, `{}`), "server error": testkit.Says(500, ``), "not expected": testkit.Says(200, `<html>`), "cut": testkit.BreaksOff(200, `{`),
		"reset": testkit.Fails(io.EOF), "oversized": testkit.Says(200, strings.Repeat(" ", 32<<20+1)), "redirect": testkit.Says(302, ``, "Location", "https://%zz"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, first)
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				var out map[string]any
				err := client.Do(t.Context(), method, "/jobs?token=s3cret", nil, &out)
				require.Error(t, err)
				for current := err; current != nil; current = errors.Unwrap(current) {
					assert.NotContains(t, testkit.Printed(t, current), testkit.Key)
					assert.NotContains(t, current.Error(), "s3cret")
				}
			}
		})
	}
}

func TestKeyIsNotLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
		client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{cloudconvert.WithLogger(logger)},
			testkit.Says(http.StatusServiceUnavailable, `s3cret`), testkit.Says(http.StatusFound, ``, "Location", "https://storage.example/?sig=s3cret"),
			testkit.Says(http.StatusTooManyRequests, ``), testkit.Fails(testkit.ErrRefused), testkit.Says(http.StatusCreated, `{"data": {"id": "1", "tag": "s3cret"}}`),
			testkit.Fails(errors.New("connection reset by peer")), testkit.Says(http.StatusOK, `{"data": []}`))
		_, err := client.Jobs.ResultURL(t.Context(), "1")
		require.NoError(t, err)
		request := &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{"in": cloudconvert.ImportURL{URL: "https://a.example/?sig=s3cret"}}}
		_, err = client.Jobs.Create(t.Context(), request)
		require.NoError(t, err)
		_, err = client.Jobs.Create(t.Context(), request)
		require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
		logger.Error("failed", "error", err, "client", client, "request", request)

		require.Greater(t, strings.Count(log.String(), "\n"), 8)
		for line := range strings.Lines(log.String()) {
			require.True(t, json.Valid([]byte(line)))
		}
		assert.NotContains(t, log.String(), testkit.Key)
		assert.NotContains(t, log.String(), "s3cret")
		assert.NotContains(t, log.String(), "Bearer")
	})
}

func TestRequestsAndResponsesPrintNoSecrets(t *testing.T) {
	t.Parallel()
	request := cloudconvert.JobRequest{Tag: "invoice-42", Tasks: cloudconvert.Tasks{
		"in": cloudconvert.ImportS3{
			Bucket: "b", Region: "eu-west-1", Key: "a.docx", AccessKeyID: "s3cret", SecretAccessKey: "s3cret", SessionToken: "s3cret",
		},
		"raw": cloudconvert.RawTask{Op: "import/new", Fields: map[string]any{"password": "s3cret"}},
		"pointer": &cloudconvert.ImportURL{
			URL: "https://a.example/?sig=s3cret", Headers: map[string]string{"Authorization": "s3cret"},
		},
	}, WebhookURL: "https://hook.example/?token=s3cret"}
	job := testkit.RecordedJob(t, "job-created.json")
	job.Tasks[0].Payload = json.RawMessage(`{"password": "s3cret"}`)
	job.Tasks[0].Result.Raw = json.RawMessage(`{"form": "s3cret"}`)
	job.Tasks[0].Result.Form.URL += "?s3cret"
	job.Tasks[0].Result.Form.Fields = []cloudconvert.FormField{{Name: "Policy", Value: "s3cret"}}
	job.Tasks[1].Result.Files = []cloudconvert.File{{Filename: "a.pdf", Size: 12, URL: "https://storage.example/?sig=s3cret"}}
	task := job.Tasks[0]
	response := cloudconvert.Response{
		StatusCode: 200, Body: []byte(testkit.Encode(t, job)), Header: http.Header{"Location": {"https://storage.example/?sig=s3cret"}},
	}
	source := cloudconvert.FromURL("https://me:s3cret@a.example/a.docx?sig=s3cret")
	result := cloudconvert.Result{
		Work: cloudconvert.Work{
			Name: "https://me:s3cret@a.example/?s3cret", Destination: "https://me:s3cret@a.example/?s3cret",
			Request: cloudconvert.Pipeline(source, cloudconvert.Convert{OutputFormat: "pdf", Options: cloudconvert.Options{"password": "s3cret"}}),
		}, Job: job,
	}
	containers := map[string]any{
		"page of jobs":     cloudconvert.Page[cloudconvert.Job]{Data: []cloudconvert.Job{*job}},
		"page of tasks":    &cloudconvert.Page[cloudconvert.Task]{Data: job.Tasks},
		"page of webhooks": cloudconvert.Page[cloudconvert.Webhook]{Data: []cloudconvert.Webhook{{ID: "1", URL: "s3cret", SigningSecret: "s3cret"}}},
		"event":            cloudconvert.WebhookEvent{Event: "job.finished", Job: *job},
		"event, pointer":   &cloudconvert.WebhookEvent{Event: "job.finished", Job: *job},
		"response":         response, "response, pointer": &response,
		"result of a work": result, "result of a work, pointer": &result, "source": source, "source, pointer": &source,
		"source under another name": source.WithName("a.pdf"), "unsaved": &cloudconvert.UnsavedError{Job: job, Destination: "a.pdf"},
		"work": result.Work, "work, pointer": &result.Work, "webhook request": cloudconvert.WebhookRequest{URL: "https://hook.example/?token=s3cret"},
		"form field": task.Result.Form.Fields[0], "source named after a URL": cloudconvert.FromBytes("https://a.example/a.docx?sig=s3cret", nil),
		"empty result": cloudconvert.Result{}, "no source": cloudconvert.Source{},
	}
	for name, value := range containers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NotContains(t, testkit.Printed(t, value)+testkit.Logged(value), "s3cret")
			assert.NotContains(t, testkit.Printed(t, value), fmt.Sprintf("%d", []byte("s3cret"))[1:], "nor byte by byte")
			assert.NotContains(t, testkit.Printed(t, value)+testkit.Logged(value), "PANIC")
		})
	}
	for name, value := range map[string]any{
		"works": []cloudconvert.Work{result.Work}, "sources": []cloudconvert.Source{source}, "results": []cloudconvert.Result{result},
		"responses": []cloudconvert.Response{response}, "within a struct": struct{ Response *cloudconvert.Result }{&result},
		"fields of a form": task.Result.Form.Fields, "errors": errors.Join(&cloudconvert.JobError{Job: job}),
		"request": request, "request, pointer": &request, "tasks": request.Tasks,
		"job": *job, "job, pointer": job, "jobs": []cloudconvert.Job{*job}, "page": cloudconvert.Page[cloudconvert.Job]{Data: []cloudconvert.Job{*job}},
		"task": task, "task, pointer": &task, "result": task.Result, "form": task.Result.Form, "form, by value": *task.Result.Form,
		"file": job.Tasks[1].Result.Files[0], "files": job.Tasks[1].Result.Files, "job error": &cloudconvert.JobError{Job: job},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shown := testkit.Printed(t, value)
			assert.NotContains(t, shown, "s3cret")
			assert.NotContains(t, shown, fmt.Sprintf("%d", []byte("s3cret"))[1:], "nor byte by byte")
			assert.NotContains(t, shown, fmt.Sprintf("%x", "s3cret"))
		})
	}
	for name, value := range map[string]any{
		"request": request, "request, pointer": &request, "job": *job, "job, pointer": job, "task": task, "task, pointer": &task,
		"result": task.Result, "form": task.Result.Form, "file": job.Tasks[1].Result.Files[0],
	} {
		t.Run("JSON log, "+name, func(t *testing.T) {
			t.Parallel()
			assert.NotContains(t, testkit.Logged(value), "s3cret")
		})
	}
	assert.Contains(t, testkit.Encode(t, request), "s3cret", "what is sent has it")
	assert.Contains(t, testkit.Encode(t, job), "s3cret", "and so has the JSON of a response")
}

// Package fmt calls no methods of unexported fields. A secret in one is behind a
// pointer or a function.
func TestPrintsNoSecretsWithinAStruct(t *testing.T) {
	t.Parallel()
	job := testkit.RecordedJob(t, "job-finished.json")
	job.Tasks[0].Result.Files = []cloudconvert.File{{Filename: "a.pdf", URL: "https://storage.example/?sig=s3cret"}}
	source := cloudconvert.FromURL("https://me:s3cret@a.example/a.docx?sig=s3cret")
	work := cloudconvert.Work{Request: cloudconvert.Pipeline(source, cloudconvert.Convert{OutputFormat: "pdf"})}
	client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, testkit.Says(500, `{"message":"`+testkit.Key+` s3cret"}`))
	err := client.Do(t.Context(), http.MethodPost, "/import/url", cloudconvert.ImportURL{URL: "https://a.example/?sig=s3cret"}, nil)
	require.Error(t, err)
	for name, value := range map[string]any{
		"source":    struct{ source cloudconvert.Source }{source},
		"work":      struct{ work cloudconvert.Work }{work},
		"result":    struct{ result cloudconvert.Result }{cloudconvert.Result{Work: work, Job: job, Err: err}},
		"results":   struct{ results []cloudconvert.Result }{[]cloudconvert.Result{{Work: work}}},
		"job":       struct{ job *cloudconvert.Job }{job},
		"jobs":      struct{ jobs []*cloudconvert.Job }{[]*cloudconvert.Job{job}},
		"form":      struct{ result cloudconvert.TaskResult }{cloudconvert.TaskResult{Form: &cloudconvert.UploadForm{URL: "https://a.example/?sig=s3cret"}}},
		"job error": struct{ err error }{&cloudconvert.JobError{Job: job}},
		"error":     struct{ err error }{err},
		"client":    struct{ client cloudconvert.Client }{*client},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"%v", "%+v", "%#v"} { // others show what a pointer points to
				shown := fmt.Sprintf(verb, value)
				assert.NotContains(t, shown, "s3cret")
				assert.NotContains(t, shown, testkit.Key)
			}
		})
	}
}

func TestErrorsQuoteNoURLs(t *testing.T) {
	t.Parallel()
	server := func(t *testing.T) *cloudconvert.Client {
		t.Helper()
		client, _ := testkit.NewScript(t, testkit.Says(200, `{}`))
		return client
	}
	options := func(opts ...cloudconvert.Option) func(*testing.T) error {
		return func(*testing.T) error { _, err := cloudconvert.NewClient(testkit.Key, opts...); return err }
	}
	const base = "https://api.example/v2"
	for name, call := range map[string]func(*testing.T) error{
		"base URL, user":       options(cloudconvert.WithBaseURLs("https://me:s3cret@api.example/v2", base)),
		"base URL, no slash":   options(cloudconvert.WithBaseURLs("https:/me:s3cret@api.example/v2", base)),
		"base URL, no scheme":  options(cloudconvert.WithBaseURLs(base, "me:s3cret@api.example/v2")),
		"base URL, only host":  options(cloudconvert.WithBaseURLs(base, "s3cret@api.example/v2")),
		"base URL, opaque":     options(cloudconvert.WithBaseURLs(base, "https:me:s3cret@api.example/v2")),
		"base URL, query":      options(cloudconvert.WithBaseURLs(base, "https://api.example/v2?key=s3cret")),
		"base URL, no version": options(cloudconvert.WithBaseURLs(base, "https://api.example/s3cret")),
		"base URL, http":       options(cloudconvert.WithBaseURLs(base, "http://api.example/s3cret/v2")),
		"path, query": func(t *testing.T) error {
			t.Helper()
			return server(t).Do(t.Context(), "GET", "/jobs//a?token=s3cret", nil, nil)
		},
		"path, broken query": func(t *testing.T) error {
			t.Helper()
			return server(t).Do(t.Context(), "GET", "/jobs?token=s3cret;%zz", nil, nil)
		},
		"path, address": func(t *testing.T) error {
			t.Helper()
			return server(t).Do(t.Context(), "GET", "https://me:s3cret@api.example/v2/jobs?token=s3cret", nil, nil)
		},
		"path, host": func(t *testing.T) error {
			t.Helper()
			return server(t).Do(t.Context(), "GET", "//me:s3cret@api.example", nil, nil)
		},
		"path, no address": func(t *testing.T) error {
			t.Helper()
			return server(t).Do(t.Context(), "GET", "https://me:s3%zzcret:s3cret@api.example/", nil, nil)
		},
		"webhook": func(t *testing.T) error {
			t.Helper()
			_, err := server(t).Webhooks.Create(t.Context(), cloudconvert.WebhookRequest{URL: "ftp://me:s3cret@hook.example/?s3cret"})
			return err
		},
		"signed URL": func(*testing.T) error {
			_, err := cloudconvert.SignedURL("https://me:s3cret@s.example/ID?s3cret", "secret", &cloudconvert.JobRequest{}, "")
			return err
		},
		"tasks": func(*testing.T) error {
			request := &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{"in": cloudconvert.ImportURL{
				URL: "https://a.example/?sig=s3cret", Options: cloudconvert.Options{"url": "https://a.example/?sig=s3cret"},
			}}}
			return request.Validate()
		},
		"file": func(t *testing.T) error {
			t.Helper()
			_, err := server(t).Save(t.Context(), t.TempDir(), []cloudconvert.File{{Filename: "a", URL: "http://a.example/?sig=s3cret"}})
			return err
		},
		"file, no address": func(t *testing.T) error {
			t.Helper()
			_, err := server(t).Save(t.Context(), t.TempDir(), []cloudconvert.File{{Filename: "a", URL: "https://a.example/%zz?sig=s3cret"}})
			return err
		},
		"form": func(t *testing.T) error {
			t.Helper()
			task := testkit.WaitingTask()
			task.Result.Form.URL = "https://a.example/%zz?sig=s3cret"
			return server(t).Tasks.Upload(t.Context(), task, cloudconvert.FromBytes("a.txt", nil))
		},
		"source that is no file": func(t *testing.T) error {
			t.Helper()
			_, err := server(t).Convert(t.Context(), cloudconvert.FromFile("ftp://me:s3cret@a.example/a.docx?sig=s3cret"), "pdf")
			return err
		},
		"source, no format": func(t *testing.T) error {
			t.Helper()
			_, err := server(t).Convert(t.Context(), cloudconvert.FromBytes("https://a.example/?sig=s3cret", nil), "pdf")
			return err
		},
		"source, twice": func(t *testing.T) error {
			t.Helper()
			source := cloudconvert.FromURL("https://me:s3cret@a.example/a.docx?sig=s3cret")
			for result := range server(t).RunAll(t.Context(), slices.Values([]cloudconvert.Work{
				{Request: cloudconvert.Pipeline(source)}, {Request: cloudconvert.Pipeline(source)},
			})) {
				return result.Err
			}
			return nil
		},
		"source, not used": func(t *testing.T) error {
			t.Helper()
			_, err := server(t).Run(t.Context(), cloudconvert.Pipeline(cloudconvert.FromURL("https://me:s3cret@a.example/a.docx?sig=s3cret")))
			return err
		},
		"source that is not sent": func(t *testing.T) error {
			t.Helper()
			_, err := server(t).Jobs.Create(t.Context(), cloudconvert.Pipeline(cloudconvert.FromFile("https://me:s3cret@a.example/a.docx?sig=s3cret"), cloudconvert.ExportURL{}))
			return err
		},
		"destination, other format": func(t *testing.T) error {
			t.Helper()
			_, err := server(t).RunFile(t.Context(), cloudconvert.Pipeline(cloudconvert.FromURL("https://a.example/a.docx"),
				cloudconvert.Convert{OutputFormat: "pdf"}), "https://me:s3cret@a.example/?sig=s3cret&b=a.png")
			return err
		},
		"destination": func(t *testing.T) error {
			t.Helper()
			_, err := server(t).ConvertFile(t.Context(), "https://a.example/a.docx", "https://me:s3cret@a.example/a?sig=s3cret")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := call(t)
			require.Error(t, err)
			assert.NotContains(t, testkit.Printed(t, err)+testkit.Logged(err), "s3cret")
		})
	}
}

func TestPrintedValuesAreReadable(t *testing.T) {
	t.Parallel()
	job := testkit.RecordedJob(t, "job-failed.json")
	assert.Equal(t, "job 2b4d6f80-1357-4ace-9bdf-0246813579bd error ["+
		"task a-export (export/url) error INPUT_TASK_FAILED Input task has failed, "+
		"task convert (convert) error  can't find PDF header., task import (import/url) finished]", fmt.Sprint(job))
	job = testkit.RecordedJob(t, "job-created.json")
	assert.Equal(t, "result [upload form of 8 fields on eu-central.storage.example]", fmt.Sprint(job.Tasks[0].Result))
	job = testkit.RecordedJob(t, "job-finished.json")
	assert.Equal(t, `[file "report.pdf" (20460 bytes) file "report.png" (512 bytes)]`, fmt.Sprint(job.Files()))
	assert.Equal(t, `event job.finished of job 1 finished []`, fmt.Sprint(cloudconvert.WebhookEvent{
		Event: "job.finished", Job: cloudconvert.Job{ID: "1", Status: "finished"},
	}))
	assert.Equal(t, `page 2 [file "a" (1 bytes)]`, fmt.Sprint(cloudconvert.Page[cloudconvert.File]{
		Data: []cloudconvert.File{{Filename: "a", Size: 1}}, Meta: cloudconvert.PageMeta{CurrentPage: 2},
	}))
	assert.Equal(t, `result [work "b/a.docx" job 1 finished [] files ["a.pdf"] no space left]`, fmt.Sprint(cloudconvert.Result{
		Work: cloudconvert.Work{Name: "b/a.docx"}, Job: &cloudconvert.Job{ID: "1", Status: "finished"},
		Files: []string{"a.pdf"}, Err: errors.New("no space left"),
	}))
	assert.Equal(t, "response 200 of 2 bytes after 1 attempts 77", fmt.Sprint(cloudconvert.Response{
		StatusCode: 200, Body: []byte("{}"), Attempts: 1, RequestID: "77",
	}))
	assert.Equal(t, "b/a.docx", cloudconvert.FromFile("b/a.docx").String())
	assert.Equal(t, "https://...@a.example/b?4327286d5c9e", cloudconvert.FromURL("https://me:s3cret@a.example/b?c").String())
	assert.Equal(t, `work "invoice" in "b.pdf"`, fmt.Sprint(cloudconvert.Work{Name: "invoice", Destination: "b.pdf"}))
	assert.Equal(t, `cloudconvert: the files of job 1, which has finished, were not saved to "b.pdf": use SaveAs`,
		fmt.Sprint(&cloudconvert.UnsavedError{Job: &cloudconvert.Job{ID: "1"}, Destination: "b.pdf"}))
	assert.Equal(t, `job request "invoice" map[in:import/url(url)]`, fmt.Sprint(&cloudconvert.JobRequest{
		Tag: "invoice", Tasks: cloudconvert.Tasks{"in": cloudconvert.ImportURL{URL: "https://a.example/b?c"}},
	}))
	assert.Equal(t, `[form field "key"]`, fmt.Sprint([]cloudconvert.FormField{{Name: "key", Value: "v"}}))
	assert.Equal(t, `webhook request ["job.failed"]`, fmt.Sprint(cloudconvert.WebhookRequest{Events: []cloudconvert.Event{cloudconvert.EventJobFailed}}))
	assert.Equal(t, "upload form of 0 fields on ?", fmt.Sprint(cloudconvert.UploadForm{URL: "https://a b?s3cret"}))
}

// hosts responds for every host and records which got the key.
type hosts struct {
	responses map[string]testkit.Reply

	mu      sync.Mutex
	asked   []string
	withKey []string
}

func (h *hosts) RoundTrip(req *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, req.URL.Host)
	for name, values := range req.Header {
		if strings.Contains(strings.Join(values, " "), testkit.Key) || name == "Authorization" {
			h.withKey = append(h.withKey, req.URL.Host)
		}
	}
	if strings.Contains(req.URL.String(), testkit.Key) {
		h.withKey = append(h.withKey, req.URL.Host)
	}
	if req.Body != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
	}
	return h.responses[req.URL.Host](req)
}

func TestRedirectsOfTheAPIAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{"https://evil.example.com/", "http://api.example.com/v2/users/me", "//evil.example.com", "/v2/elsewhere"} {
			t.Run(fmt.Sprint(status, " ", location), func(t *testing.T) {
				t.Parallel()
				h := &hosts{responses: map[string]testkit.Reply{
					"api.example.com": testkit.Says(status, ``, "Location", location), "evil.example.com": testkit.Says(200, testkit.EmptyUser),
				}}
				client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithHTTPClient(&http.Client{
					Transport: h, CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
				}), cloudconvert.WithBaseURLs("https://api.example.com/v2", "https://sync.example.com/v2"))
				require.NoError(t, err)
				_, err = client.Users.Me(t.Context())
				var e *cloudconvert.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, status, e.StatusCode)
				require.Error(t, client.Do(t.Context(), http.MethodPost, "/jobs", map[string]string{"a": "b"}, nil))
				assert.Equal(t, []string{"api.example.com", "api.example.com"}, h.asked)
			})
		}
	}
}

func TestKeyIsSentToTheAPIOnly(t *testing.T) {
	t.Parallel()
	h := &hosts{responses: map[string]testkit.Reply{
		"api.example.com":       testkit.Says(200, testkit.RunningJob),
		"sync.example.com":      testkit.Says(200, testkit.EndedJob),
		"storage.example.com":   testkit.Says(302, ``, "Location", "https://elsewhere.example.com/b?c=d"),
		"elsewhere.example.com": testkit.Says(200, `content`),
	}}
	client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithHTTPClient(&http.Client{Transport: h}),
		cloudconvert.WithBaseURLs("https://api.example.com/v2", "https://sync.example.com/v2"))
	require.NoError(t, err)
	_, err = client.Jobs.Wait(t.Context(), "job-1")
	require.NoError(t, err)

	body, err := client.Open(t.Context(), cloudconvert.File{Filename: "a.txt", URL: "https://storage.example.com/a?sig=1"})
	require.NoError(t, err)
	content, err := io.ReadAll(body)
	require.NoError(t, errors.Join(err, body.Close()))
	assert.Equal(t, "content", string(content))

	h.responses["storage.example.com"] = testkit.Says(201, ``)
	upload := cloudconvert.Task{
		ID: "t", Operation: cloudconvert.OperationImportUpload, Status: cloudconvert.StatusWaiting,
		Result: cloudconvert.TaskResult{Form: &cloudconvert.UploadForm{URL: "https://storage.example.com/form"}},
	}
	require.NoError(t, client.Tasks.Upload(t.Context(), upload, cloudconvert.FromBytes("a.txt", []byte("content"))))

	assert.Equal(t, []string{
		"api.example.com", "sync.example.com", "storage.example.com", "elsewhere.example.com", "storage.example.com",
	}, h.asked)
	assert.Equal(t, []string{"api.example.com", "sync.example.com"}, h.withKey)
}

// Package net/http may add headers to a request. This test reads what a server gets.
func TestKeyIsNotSentToOtherHostsOnTheNetwork(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var leaked []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		leaked = append(leaked, r.URL.Path+r.Header.Get("Authorization"))
		_, err := io.WriteString(w, testkit.EmptyUser)
		assert.NoError(t, err)
	}))
	t.Cleanup(other.Close)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Bearer "+testkit.Key, r.Header.Get("Authorization"))
		http.Redirect(w, r, other.URL+"/leak", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(api.Close)
	client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithBaseURLs(api.URL+"/v2", api.URL+"/v2"))
	require.NoError(t, err)
	for _, call := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := client.Users.Me(ctx); return err },
		func(ctx context.Context) error { return client.Jobs.Delete(ctx, "1") },
		func(ctx context.Context) error {
			return client.Do(ctx, http.MethodPost, "/jobs", map[string]string{}, nil)
		},
	} {
		var e *cloudconvert.Error
		require.ErrorAs(t, call(t.Context()), &e)
		assert.Equal(t, http.StatusTemporaryRedirect, e.StatusCode)
	}
	mu.Lock()
	defer mu.Unlock()
	assert.Empty(t, leaked)
}
