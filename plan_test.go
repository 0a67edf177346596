package cloudconvert_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// operationsOf returns the operations of the tasks of the only job of a server, by name.
func operationsOf(t *testing.T, server *cloudconverttest.Server) map[string]string {
	t.Helper()
	require.Len(t, server.Jobs(), 1)
	operations := map[string]string{}
	for _, task := range server.Jobs()[0].Tasks {
		operations[task.Name] = task.Operation
	}
	return operations
}

// text returns a small local source.
func text() cloudconvert.Source { return cloudconvert.FromBytes("a.txt", []byte("x")) }

func TestRunAddsExports(t *testing.T) {
	t.Parallel()
	toPDF := func(input string) cloudconvert.Convert {
		return cloudconvert.Convert{Input: []string{input}, OutputFormat: "pdf"}
	}
	ignoring := toPDF("in")
	ignoring.IgnoreError = true
	for name, c := range map[string]struct {
		tasks cloudconvert.Tasks
		want  map[string]string // added exports and their inputs
	}{
		"one task": {
			cloudconvert.Tasks{"in": text(), "pdf": toPDF("in")},
			map[string]string{"export-pdf": "[pdf] <nil>"},
		},
		"each task that no other one names": {
			cloudconvert.Tasks{"in": text(), "a": toPDF("in"), "b": toPDF("in"), "c": toPDF("b")},
			map[string]string{"export-a": "[a] <nil>", "export-c": "[c] <nil>"},
		},
		"errors are ignored as in the task": {
			cloudconvert.Tasks{"in": text(), "a": ignoring, "b": toPDF("in")},
			map[string]string{"export-a": "[a] true", "export-b": "[b] <nil>"},
		},
		"metadata is in the job": {
			cloudconvert.Tasks{"in": text(), "meta": cloudconvert.Metadata{Input: []string{"in"}}},
			map[string]string{},
		},
		"metadata beside a file": {
			cloudconvert.Tasks{"in": text(), "meta": cloudconvert.Metadata{Input: []string{"in"}}, "pdf": toPDF("in")},
			map[string]string{"export-pdf": "[pdf] <nil>"},
		},
		"a job with an export": {
			cloudconvert.Tasks{"in": text(), "a": toPDF("in"), "b": toPDF("in"), "out": cloudconvert.ExportURL{Input: []string{"a"}}},
			map[string]string{},
		},
		"a job with another export": {
			cloudconvert.Tasks{
				"in": text(), "a": toPDF("in"), "b": toPDF("in"),
				"out": cloudconvert.RawTask{Op: "export/new", Fields: map[string]any{"input": "a"}},
			},
			map[string]string{},
		},
		"a taken name": {
			cloudconvert.Tasks{"in": text(), "pdf": toPDF("in"), "export-pdf": toPDF("in")},
			map[string]string{"export-pdf-2": "[pdf] <nil>", "export-export-pdf": "[export-pdf] <nil>"},
		},
		"an import": {
			cloudconvert.Tasks{"in": cloudconvert.ImportRaw{File: "x", Filename: "a.txt"}},
			map[string]string{"export-in": "[in] <nil>"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, testkit.Says(http.StatusCreated, testkit.EndedJob))
			before := maps.Clone(c.tasks)
			request := &cloudconvert.JobRequest{Tasks: c.tasks}
			_, err := client.Run(t.Context(), request)
			require.NoError(t, err)
			require.Len(t, script.Bodies, 1)
			var sent struct {
				Tasks map[string]map[string]any `json:"tasks"`
			}
			require.NoError(t, json.Unmarshal([]byte(script.Bodies[0]), &sent))
			added := map[string]string{}
			for name, task := range sent.Tasks {
				if _, given := before[name]; !given {
					assert.Equal(t, "export/url", task["operation"])
					added[name] = fmt.Sprint(task["input"], task["ignore_error"])
				}
			}
			assert.Len(t, sent.Tasks, len(before)+len(added))
			assert.Equal(t, c.want, added)
			assert.Equal(t, slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(request.Tasks)), "the request is left alone")
		})
	}
}

func TestEveryRunAddsExports(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(context.Context, *cloudconvert.Client, *cloudconvert.JobRequest, string) error{
		"Run": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest, _ string) error {
			_, err := client.Run(ctx, r)
			return err
		},
		"RunFile": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest, dst string) error {
			_, err := client.RunFile(ctx, r, dst)
			return err
		},
		"Start": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest, _ string) error {
			_, err := client.Start(ctx, r)
			return err
		},
		"RunAll": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest, _ string) error {
			var errs []error
			for result := range client.RunAll(ctx, slices.Values([]cloudconvert.Work{{Request: r}})) {
				errs = append(errs, result.Err)
			}
			return errors.Join(errs...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			require.NoError(t, run(t.Context(), server.Client(), converting(text(), "pdf"), filepath.Join(t.TempDir(), "a.pdf")))
			require.NoError(t, server.WaitIdle(t.Context()))
			assert.Equal(t, map[string]string{"source": "import/base64", "convert": "convert", "export-convert": "export/url"}, operationsOf(t, server))
		})
	}
}

// Every call that runs jobs refuses them before it sends anything.
func TestRunRefusesInvalidRequests(t *testing.T) {
	t.Parallel()
	unused := converting(text(), "pdf")
	unused.Tasks["logo"] = cloudconvert.FromBytes("logo.png", nil)
	unusedURL := converting(text(), "pdf")
	unusedURL.Tasks["logo"] = cloudconvert.FromURL("https://example.com/logo.png")
	for name, c := range map[string]struct {
		request *cloudconvert.JobRequest
		want    string
		started bool // Start allows it
	}{
		"nothing":              {request: nil, want: "the job has no tasks"},
		"no tasks":             {request: &cloudconvert.JobRequest{}, want: "the job has no tasks"},
		"unused source":        {request: unused, want: `no task uses the source "logo.png"`},
		"unused URL":           {request: unusedURL, want: `no task uses the source "https://example.com/logo.png"`},
		"source alone":         {request: cloudconvert.Pipeline(text()), want: `no task uses the source "a.txt"`},
		"name of no extension": {request: converting(cloudconvert.FromFile("dir/README"), "pdf"), want: `cannot tell the format of the source "dir/README": its name has no extension: use Source.WithName`},
		"negative size":        {request: converting(text().WithSize(-2), "pdf"), want: "negative"},
		"upload by others": {
			request: cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.Convert{OutputFormat: "pdf"}),
			want:    `task "import-upload" waits for an upload: put a source in its place`, started: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			client, dir := server.Client(), t.TempDir()
			_, ran := client.Run(t.Context(), c.request)
			_, written := client.RunFile(t.Context(), c.request, filepath.Join(dir, "new", "a.pdf"))
			results := slices.Collect(client.RunAll(t.Context(), slices.Values([]cloudconvert.Work{{Name: "w", Request: c.request}})))
			require.Len(t, results, 1)
			errs := []error{ran, written, results[0].Err}
			if !c.started {
				_, started := client.Start(t.Context(), c.request)
				errs = append(errs, started)
			}
			for _, err := range errs {
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				require.ErrorContains(t, err, c.want)
				assert.Equal(t, 1, strings.Count(err.Error(), "cloudconvert:"), err)
			}
			assert.Empty(t, testkit.Outline(server))
			assert.Empty(t, testkit.Listed(t, dir))
		})
	}
}

func TestRunFileRefusesJobsWithoutFiles(t *testing.T) {
	t.Parallel()
	for name, tasks := range map[string][]cloudconvert.TaskRequest{
		"exported elsewhere": {text(), cloudconvert.Convert{OutputFormat: "pdf"}, cloudconvert.ExportS3{Bucket: "b", Region: "eu-west-1", AccessKeyID: "id", SecretAccessKey: "invented"}},
		"metadata":           {text(), cloudconvert.Metadata{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := testkit.NewSandbox(t), t.TempDir()
			server.Handle("metadata", func(context.Context, *cloudconverttest.Run) error { return nil })
			request := cloudconvert.Pipeline(tasks...)
			_, err := server.Client().RunFile(t.Context(), request, filepath.Join(dir, "new", "a.pdf"))
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			require.ErrorContains(t, err, "no file to write")
			works := slices.Values([]cloudconvert.Work{{Request: request, Destination: dir + "/"}})
			for result := range server.Client().RunAll(t.Context(), works) {
				require.ErrorContains(t, result.Err, "no file to write")
			}
			assert.Empty(t, testkit.Outline(server))
			assert.Empty(t, testkit.Listed(t, dir))
			job, err := server.Client().Run(t.Context(), request)
			require.NoError(t, err)
			assert.Equal(t, cloudconvert.StatusFinished, job.Status)
		})
	}
}

// A deletion loses no files then.
func TestRunDeletesAJobWithoutFiles(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	server.Handle("metadata", func(context.Context, *cloudconverttest.Run) error { return nil })
	job, err := server.Client().Run(t.Context(), cloudconvert.Pipeline(text(), cloudconvert.Metadata{}), cloudconvert.WithDelete())
	require.NoError(t, err)
	assert.Equal(t, cloudconvert.StatusFinished, job.Status)
	assert.Zero(t, testkit.JobCount(server))
}

func TestRequestsCanBeReused(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	request := converting(text(), "pdf")
	for range 3 {
		_, err := server.Client().Run(t.Context(), request)
		require.NoError(t, err)
		_, err = server.Client().RunFile(t.Context(), request, filepath.Join(t.TempDir(), "a.pdf"))
		require.NoError(t, err)
	}
	assert.Len(t, request.Tasks, 2)
	assert.Empty(t, request.Tag)
	assert.Equal(t, 6, testkit.JobCount(server))
}

// Local sources are sent only by the calls that run the job.
func TestCreateRefusesLocalSources(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]cloudconvert.Source{
		"file": cloudconvert.FromFile("dir/a.txt"), "bytes": cloudconvert.FromBytes("dir/a.txt", []byte("x")),
		"reader": cloudconvert.FromReader("dir/a.txt", strings.NewReader("x")),
	} {
		for kind, task := range map[string]cloudconvert.TaskRequest{"value": source, "pointer": &source} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				server := testkit.NewSandbox(t)
				client := server.Client()
				request := cloudconvert.Pipeline(task, cloudconvert.Convert{OutputFormat: "pdf"}, cloudconvert.ExportURL{})
				require.NoError(t, request.Validate(), "it is a valid request of Run")
				_, created := client.Jobs.Create(t.Context(), request)
				_, forURL := client.Jobs.CreateForURL(t.Context(), request)
				_, single := client.Tasks.Create(t.Context(), task)
				_, signed := cloudconvert.SignedURL("https://s.cloudconvert.com/0123456789abcdef", "secret", request, "")
				done := client.Do(t.Context(), "POST", "/jobs", request, nil)
				_, encoded := task.MarshalJSON()
				for _, err := range []error{created, forURL, single, signed, done, encoded} {
					require.ErrorIs(t, err, cloudconvert.ErrInvalid)
					require.ErrorContains(t, err, `the source "dir/a.txt" is a local file: use Client.Run, RunFile, Start or RunAll`)
				}
				assert.Empty(t, testkit.Outline(server))
			})
		}
	}
}

func TestURLSourcesAreAcceptedEverywhere(t *testing.T) {
	t.Parallel()
	const address = "https://example.com/a.txt?token=1"
	source := cloudconvert.FromURL(address).WithName("b.txt")
	assert.Equal(t, cloudconvert.OperationImportURL, source.Operation())
	assert.JSONEq(t, `{"operation": "import/url", "url": "`+address+`", "filename": "b.txt"}`, testkit.Encode(t, source))
	request := cloudconvert.Pipeline(source, cloudconvert.Convert{OutputFormat: "pdf"}, cloudconvert.ExportURL{})
	want := map[string]string{"source": "import/url", "convert": "convert", "export-url": "export/url"}
	for name, create := range map[string]func(context.Context, *cloudconvert.Client) error{
		"Jobs.Create": func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Jobs.Create(ctx, request)
			return err
		},
		"Run": func(ctx context.Context, client *cloudconvert.Client) error {
			job, err := client.Run(ctx, request)
			if err == nil && job.Files()[0].Filename != "b.pdf" {
				err = fmt.Errorf("unexpected name %q", job.Files()[0].Filename)
			}
			return err
		},
		"Do": func(ctx context.Context, client *cloudconvert.Client) error {
			return client.Do(ctx, "POST", "/jobs", request, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			server.HandleURL(address, testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "x"))
			require.NoError(t, create(t.Context(), server.Client()))
			require.NoError(t, server.WaitIdle(t.Context()))
			assert.Equal(t, want, operationsOf(t, server))
		})
	}
	t.Run("Tasks.Create", func(t *testing.T) {
		t.Parallel()
		server := testkit.NewSandbox(t)
		task, err := server.Client().Tasks.Create(t.Context(), source)
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.OperationImportURL, task.Operation)
		require.NoError(t, server.WaitIdle(t.Context()))
	})
	t.Run("SignedURL", func(t *testing.T) {
		t.Parallel()
		signed, err := cloudconvert.SignedURL("https://s.cloudconvert.com/0123456789abcdef", "secret", request, "")
		require.NoError(t, err)
		assert.Contains(t, signed, "https://s.cloudconvert.com/0123456789abcdef?job=")
	})
}

// Sources are sent within the job, the smallest first, while their sum fits the limit.
// All others are uploaded.
func TestSmallestSourcesAreSentInline(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sizes  []int
		inline []int
	}{
		"all":                   {[]int{30, 40, 30}, []int{30, 40, 30}},
		"the smallest":          {[]int{60, 50, 10, 41}, []int{10, 41}},
		"up to the limit":       {[]int{60, 30, 10}, []int{60, 30, 10}},
		"one byte too many":     {[]int{61, 30, 10}, []int{30, 10}},
		"none":                  {[]int{101, 102}, nil},
		"empty ones never":      {[]int{0, 100}, []int{100}},
		"several of the same":   {[]int{40, 40, 40}, []int{40, 40}},
		"the first of the same": {[]int{100, 100}, []int{100}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			tasks := make([]cloudconvert.TaskRequest, 0, len(c.sizes)+1)
			for i, size := range c.sizes {
				tasks = append(tasks, cloudconvert.FromBytes(fmt.Sprint(i, "-", size, ".txt"), bytes.Repeat([]byte("x"), size)))
			}
			server.Handle("archive", func(_ context.Context, run *cloudconverttest.Run) error { return run.Write("a.zip", []byte("x")) })
			_, err := server.Client().Run(t.Context(), cloudconvert.Pipeline(append(tasks, cloudconvert.Archive{OutputFormat: "zip"})...), cloudconvert.WithInlineLimit(100))
			require.NoError(t, err)
			var inline []int
			uploads := 0
			for _, task := range server.Jobs()[0].Tasks {
				switch task.Operation {
				case "import/base64":
					var place, size int
					_, err := fmt.Sscanf(fmt.Sprint(task.Params["filename"]), "%d-%d.txt", &place, &size)
					require.NoError(t, err)
					inline = append(inline, size)
				case "import/upload":
					uploads++
				}
			}
			assert.ElementsMatch(t, c.inline, inline)
			assert.Equal(t, len(c.sizes)-len(c.inline), uploads)
			assert.Equal(t, uploads, testkit.CountRequests(server, "POST storage"))
		})
	}
}

func TestSmallSourcesAreNotCopiedToDisk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit  int64
		stored bool
	}{"at the limit": {5, false}, "above it": {4, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, copies := testkit.NewSandbox(t), t.TempDir()
			client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: copies}))
			seen := -1
			src := cloudconvert.FromReader("a.txt", io.MultiReader(strings.NewReader("12345"), readerFunc(func([]byte) (int, error) {
				seen = len(testkit.Listed(t, copies))
				return 0, io.EOF
			})))
			_, err := client.Run(t.Context(), converting(src, "pdf"), cloudconvert.WithInlineLimit(c.limit))
			require.NoError(t, err)
			assert.Equal(t, c.stored, seen == 1)
			assert.Empty(t, testkit.Listed(t, copies), "no copy is left")
		})
	}
}

// With a stated length, a reader is not copied to determine it.
func TestWithSizeIsChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size int64
		ok   bool
	}{"right": {5, true}, "too small": {4, false}, "too large": {6, false}} {
		for way, limit := range map[string]int64{"inline": 1000, "upload": 0} {
			for kind, source := range map[string]func() cloudconvert.Source{
				"stream": func() cloudconvert.Source { return cloudconvert.FromReader("a.txt", one{strings.NewReader("12345")}) },
				"bytes":  func() cloudconvert.Source { return cloudconvert.FromBytes("a.txt", []byte("12345")) },
				"reader": func() cloudconvert.Source { return cloudconvert.FromReader("a.txt", strings.NewReader("12345")) },
			} {
				t.Run(name+" "+way+" "+kind, func(t *testing.T) {
					t.Parallel()
					server := testkit.NewSandbox(t)
					copies := filepath.Join(t.TempDir(), "none") // a copy could not be written there
					client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: copies}))
					dst := filepath.Join(t.TempDir(), "a.pdf")
					_, err := client.RunFile(t.Context(), converting(source().WithSize(c.size), "pdf"), dst, cloudconvert.WithInlineLimit(limit))
					if c.ok {
						require.NoError(t, err)
						assert.Equal(t, "pdf: 12345", testkit.ReadFile(t, dst))
						return
					}
					require.Error(t, err)
					assert.Zero(t, testkit.JobCount(server), "no job waits for the file")
					assert.Zero(t, server.BytesStored())
				})
			}
		}
	}
}

func TestReaderInTwoTasksIsRefused(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	src := cloudconvert.FromReader("a.txt", one{strings.NewReader("x")})
	_, err := server.Client().Run(t.Context(), cloudconvert.Pipeline(src, src, cloudconvert.Merge{OutputFormat: "pdf"}))
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, err, "already used")
	assert.Empty(t, testkit.Outline(server))
}
