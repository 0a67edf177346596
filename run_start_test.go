package cloudconvert_test

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// toPDF returns a request that converts a source to PDF.
func toPDF(source cloudconvert.Source) *cloudconvert.JobRequest {
	return cloudconvert.Pipeline(source, cloudconvert.Convert{OutputFormat: "pdf"})
}

// uploadedByOthers returns a request for a job whose file another program uploads.
func uploadedByOthers() *cloudconvert.JobRequest {
	return cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.Convert{OutputFormat: "pdf"})
}

func TestStartDoesNotWait(t *testing.T) {
	t.Parallel()
	text := testkit.Content(testkit.InlineDefault + 1)
	for name, c := range map[string]struct {
		source cloudconvert.Source
		want   []string
	}{
		"inline":   {cloudconvert.FromBytes("a.txt", []byte("text")), []string{"POST api"}},
		"uploaded": {cloudconvert.FromBytes("a.txt", []byte(text)), []string{"POST api", "POST storage"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client, request := server.Client(), toPDF(c.source)
				request.Tag = "invoice-42"
				for range 2 { // a request can be used again
					start, seen := time.Now(), len(server.Requests())
					job, err := client.Start(t.Context(), request)
					require.NoError(t, err)
					assert.Less(t, time.Since(start), time.Second)
					assert.False(t, job.Status.Terminal())
					assert.Equal(t, "invoice-42", job.Tag)
					assert.Equal(t, c.want, testkit.Outline(server)[seen:])
					_, found := job.Task("export-convert")
					assert.True(t, found)
					assert.Len(t, request.Tasks, 2, "the caller's request is left as it is")

					ended, err := client.Jobs.Wait(t.Context(), job.ID)
					require.NoError(t, err)
					require.Len(t, ended.Files(), 1)
				}
				assert.Equal(t, 2, testkit.JobCount(server))
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

func TestStartAllowsUploadsByOthers(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		job, err := client.Start(t.Context(), uploadedByOthers())
		require.NoError(t, err)
		assert.Equal(t, []string{"POST api"}, testkit.Outline(server))
		task, found := job.Task("import-upload")
		require.True(t, found)
		form, err := client.Tasks.UploadForm(t.Context(), task.ID)
		require.NoError(t, err)
		assert.NotEmpty(t, form.URL)
		require.NoError(t, client.Tasks.Upload(t.Context(), task, cloudconvert.FromBytes("a.txt", []byte("text"))))
		ended, err := client.Jobs.Wait(t.Context(), job.ID)
		require.NoError(t, err)
		assert.Len(t, ended.Files(), 1)
	})
}

func TestStartRefusesOptionsOfWaitsAndFiles(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t)
	for name, opt := range map[string]cloudconvert.RunOption{
		"WithDelete": cloudconvert.WithDelete(), "WithOverwrite": cloudconvert.WithOverwrite(),
		"WithSignal": cloudconvert.WithSignal(newSignal()), "WithDeleteOnCancel": cloudconvert.WithDeleteOnCancel(),
	} {
		_, err := client.Start(t.Context(), testkit.TextJob(), cloudconvert.WithInlineLimit(0), opt)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid, name)
		require.ErrorContains(t, err, name)
		assert.NotContains(t, err.Error(), "WithInlineLimit")
	}
	_, err := client.Start(t.Context(), testkit.TextJob(), cloudconvert.WithOverwrite(), cloudconvert.WithDelete())
	require.ErrorContains(t, err, "WithDelete, WithOverwrite")
	assert.Empty(t, script.Requests)
}

func TestStartTakesOtherOptions(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		var response cloudconvert.Response
		var seen reports
		job, err := server.Client().Start(t.Context(), toPDF(cloudconvert.FromBytes("a.txt", []byte("text"))),
			cloudconvert.WithInlineLimit(0), cloudconvert.WithProgress(seen.add), cloudconvert.WithPendingUpload(),
			cloudconvert.WithQueueing(), cloudconvert.WithHeader("X-Test", "1"), cloudconvert.CaptureResponse(&response))
		require.NoError(t, err)
		assert.False(t, job.Status.Terminal())
		assert.Equal(t, []string{"POST api", "POST storage"}, testkit.Outline(server))
		assert.Equal(t, "1", server.Requests()[0].Header.Get("X-Test"))
		assert.Equal(t, http.StatusCreated, response.StatusCode)
		require.NotEmpty(t, seen.all)
		last := seen.all[len(seen.all)-1]
		assert.Equal(t, cloudconvert.Progress{Work: "a.txt", Phase: cloudconvert.PhaseUpload, Name: "a.txt", Done: 4, Total: 4}, last)
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func TestStartDeletesTheJobWhoseUploadFails(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(cloudconverttest.Fault{Path: "storage:upload", Status: http.StatusForbidden, Code: "AccessDenied"})
		_, err := server.Client().Start(t.Context(), toPDF(cloudconvert.FromBytes("a.txt", []byte("text"))), cloudconvert.WithInlineLimit(0))
		require.ErrorIs(t, err, cloudconvert.ErrForbidden)
		assert.Zero(t, testkit.JobCount(server), "it would wait for a file that is not sent")
		assert.Equal(t, 1, creations(server))
	})
}

func TestStartDeletesTheJobWhenTheContextEndsDuringTheUpload(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(cloudconverttest.Fault{Path: "storage:upload", Kind: cloudconverttest.Stall})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := server.Client().Start(ctx, toPDF(cloudconvert.FromBytes("a.txt", []byte("text"))), cloudconvert.WithInlineLimit(0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.LessOrEqual(t, time.Since(start), 6*time.Second)
		assert.Zero(t, testkit.JobCount(server))
	})
}

func TestCallsThatWaitRefuseUploadsByOthers(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t)
	dir := t.TempDir()
	for name, run := range map[string]func(ctx context.Context, r *cloudconvert.JobRequest) error{
		"Run": func(ctx context.Context, r *cloudconvert.JobRequest) error {
			_, err := client.Run(ctx, r)
			return err
		},
		"RunFile": func(ctx context.Context, r *cloudconvert.JobRequest) error {
			_, err := client.RunFile(ctx, r, filepath.Join(dir, "new", "a.pdf"))
			return err
		},
		"RunAll": func(ctx context.Context, r *cloudconvert.JobRequest) error {
			var err error
			for result := range client.RunAll(ctx, slices.Values([]cloudconvert.Work{{Name: "a", Request: r}})) {
				err = result.Err
			}
			return err
		},
	} {
		raw := cloudconvert.Pipeline(cloudconvert.RawTask{Op: cloudconvert.OperationImportUpload}, cloudconvert.Convert{OutputFormat: "pdf"})
		for _, request := range []*cloudconvert.JobRequest{uploadedByOthers(), raw} {
			err := run(t.Context(), request)
			require.ErrorIs(t, err, cloudconvert.ErrInvalid, name)
			require.ErrorContains(t, err, "WithPendingUpload")
			require.ErrorContains(t, err, "import-upload")
		}
	}
	assert.Empty(t, script.Requests)
	assert.Empty(t, testkit.Listed(t, dir))
}

func TestRunWaitsForUploadsByOthers(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client, other := server.Client(), server.Client()
		uploaded := make(chan error, 1)
		go func() {
			testkit.Advance(5 * time.Minute)
			page, err := other.Jobs.List(t.Context(), cloudconvert.JobListOptions{Include: []cloudconvert.Include{cloudconvert.IncludeTasks}})
			if err != nil {
				uploaded <- err
				return
			}
			waiting, _ := page.Data[0].Task("import-upload")
			task, err := other.Tasks.Get(t.Context(), waiting.ID)
			if err == nil {
				err = other.Tasks.Upload(t.Context(), *task, cloudconvert.FromBytes("a.txt", []byte("text")))
			}
			uploaded <- err
		}()
		start := time.Now()
		job, err := client.Run(t.Context(), uploadedByOthers(), cloudconvert.WithPendingUpload())
		require.NoError(t, err)
		assert.Len(t, job.Files(), 1)
		assert.GreaterOrEqual(t, time.Since(start), 5*time.Minute)
		require.NoError(t, <-uploaded)
		assert.Equal(t, 1, creations(server))
	})
}

// A deletion would remove files that the call has not saved.
func TestRunRefusesOptionsOfFiles(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t)
	for name, opt := range map[string]cloudconvert.RunOption{
		"WithDelete": cloudconvert.WithDelete(), "WithOverwrite": cloudconvert.WithOverwrite(),
	} {
		_, err := client.Run(t.Context(), testkit.TextJob(), opt)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, "RunFile")
	}
	assert.Empty(t, script.Requests)
}

func TestRunCallsRefuseInvalidRequests(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t)
	text := cloudconvert.FromBytes("a.txt", []byte("text"))
	for name, c := range map[string]struct {
		request *cloudconvert.JobRequest
		want    string
	}{
		"nil":            {nil, "the job has no tasks"},
		"empty":          {&cloudconvert.JobRequest{}, "the job has no tasks"},
		"nil task":       {cloudconvert.Pipeline(text, nil), "task 2 of the pipeline is nil"},
		"no source":      {toPDF(cloudconvert.Source{}), "the source is empty"},
		"unused source":  {cloudconvert.Pipeline(text), "no task uses the source"},
		"no extension":   {toPDF(text.WithName("README")), "WithName"},
		"negative size":  {toPDF(text.WithSize(-5)), "negative"},
		"missing input":  {&cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{"pdf": cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "pdf"}}}, `"in"`},
		"redirect":       {&cloudconvert.JobRequest{Tasks: testkit.TextJob().Tasks, Redirect: true}, "CreateForURL"},
		"not in the end": {cloudconvert.Pipeline(text, cloudconvert.Convert{OutputFormat: "pdf"}, cloudconvert.CaptureWebsite{URL: "https://a.example", OutputFormat: "pdf"}), "use Tasks"},
	} {
		for call, run := range map[string]func() error{
			"Run":   func() error { _, err := client.Run(t.Context(), c.request); return err },
			"Start": func() error { _, err := client.Start(t.Context(), c.request); return err },
			"RunFile": func() error {
				_, err := client.RunFile(t.Context(), c.request, filepath.Join(t.TempDir(), "a.pdf"))
				return err
			},
		} {
			err := run()
			require.ErrorIs(t, err, cloudconvert.ErrInvalid, "%s of %s", call, name)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, strings.TrimSpace(err.Error()), "\n")
		}
	}
	assert.Empty(t, script.Requests)
}
