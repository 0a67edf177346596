package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// recorder records activities, with the kinds of those that they are in.
type recorder struct {
	mu    sync.Mutex
	begun []cloudconvert.Activity
	ended []cloudconvert.Activity
	paths []string // such as run/create/request, in the order of the ends
}

type pathKey struct{}

func (r *recorder) observe(ctx context.Context, a cloudconvert.Activity) (context.Context, func(cloudconvert.Activity)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = append(r.begun, a)
	path := string(a.Kind)
	if outer, ok := ctx.Value(pathKey{}).(string); ok {
		path = outer + "/" + path
	}
	return context.WithValue(ctx, pathKey{}, path), func(a cloudconvert.Activity) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ended, r.paths = append(r.ended, a), append(r.paths, path)
	}
}

// of returns the ended activities of a kind.
func (r *recorder) of(kind cloudconvert.ActivityKind) []cloudconvert.Activity {
	return slices.DeleteFunc(slices.Clone(r.ended), func(a cloudconvert.Activity) bool { return a.Kind != kind })
}

// check checks that everything has ended, and that nothing has a secret.
func (r *recorder) check(t *testing.T, server *cloudconverttest.Server) {
	t.Helper()
	assert.Len(t, r.ended, len(r.begun))
	all := fmt.Sprintf("%+v %+v", r.begun, r.ended)
	for _, secret := range []string{"X-Amz-", server.Key(), "?"} {
		assert.NotContains(t, all, secret)
	}
}

func observed(t *testing.T, opts ...cloudconverttest.Option) (*cloudconverttest.Server, *cloudconvert.Client, *recorder) {
	t.Helper()
	server := cloudconverttest.NewServer(opts...)
	t.Cleanup(server.Close)
	r := &recorder{}
	return server, server.Client(cloudconvert.WithObserver(r.observe)), r
}

func TestObserverOfSmallFile(t *testing.T) {
	t.Parallel()
	server, client, r := observed(t)
	dst := filepath.Join(t.TempDir(), "photo.jpg")
	_, err := client.ConvertFile(t.Context(), "testdata/photo.png", dst)
	require.NoError(t, err)
	r.check(t, server)
	assert.Equal(t, []string{"run/create/request", "run/create", "run/download", "run"}, r.paths)
	job := server.Jobs()[0]
	run := r.of(cloudconvert.ActivityRun)[0]
	assert.Equal(t, "testdata/photo.png", run.Name)
	assert.Equal(t, []cloudconvert.Operation{"convert", "export/url"}, run.Operations)
	assert.Equal(t, []cloudconvert.Operation{"convert", "export/url", "import/base64"}, r.begun[1].Operations)
	assert.Equal(t, job.ID, run.JobID)
	assert.Equal(t, job.Tag, run.Tag)
	assert.Equal(t, cloudconvert.StatusFinished, run.Status)
	assert.Equal(t, 1, run.Credits)
	request := r.of(cloudconvert.ActivityRequest)[0]
	assert.Equal(t, []any{http.MethodPost, "/v2/jobs", http.StatusCreated, 1}, []any{request.Method, request.Path, request.StatusCode, request.Attempts})
	info, err := os.Stat(dst)
	require.NoError(t, err)
	assert.Equal(t, info.Size(), r.of(cloudconvert.ActivityDownload)[0].Bytes)
	assert.Equal(t, 1, r.of(cloudconvert.ActivityDownload)[0].Attempts)
}

func TestObserverOfUpload(t *testing.T) {
	t.Parallel()
	server, client, r := observed(t)
	_, err := client.ConvertFile(t.Context(), "testdata/photo.png", filepath.Join(t.TempDir(), "photo.jpg"), cloudconvert.WithInlineLimit(0))
	require.NoError(t, err)
	r.check(t, server)
	assert.Equal(t, []string{"run/create/request", "run/create", "run/upload", "run/wait/request", "run/wait", "run/download", "run"}, r.paths)
	upload := r.of(cloudconvert.ActivityUpload)[0]
	assert.Equal(t, "photo.png", upload.Name)
	assert.Equal(t, server.Jobs()[0].ID, upload.JobID)
	assert.Positive(t, upload.Bytes)
	assert.Equal(t, 1, r.of(cloudconvert.ActivityWait)[0].Credits)
}

func TestObserverOfServices(t *testing.T) {
	t.Parallel()
	server, client, r := observed(t)
	job, err := client.Jobs.Create(t.Context(), cloudconvert.Pipeline(
		cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.ExportURL{}))
	require.NoError(t, err)
	job, err = client.Jobs.Wait(t.Context(), job.ID)
	require.NoError(t, err)
	for _, err := range client.Jobs.Watch(t.Context(), job.ID) {
		require.NoError(t, err)
	}
	_, err = client.Tasks.Wait(t.Context(), job.Tasks[0].ID)
	require.NoError(t, err)
	var text bytes.Buffer
	_, err = client.Download(t.Context(), job.Files()[0], &text)
	require.NoError(t, err)
	file, err := client.Open(t.Context(), job.Files()[0])
	require.NoError(t, err)
	_, err = io.Copy(&text, file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.NoError(t, file.Close())
	r.check(t, server)
	assert.Equal(t, "texttext", text.String())
	outer := slices.DeleteFunc(slices.Clone(r.paths), func(path string) bool { return strings.Contains(path, "/") })
	assert.Equal(t, []string{"create", "wait", "wait", "wait", "download", "download"}, outer)
	for _, download := range r.of(cloudconvert.ActivityDownload) {
		assert.EqualValues(t, 4, download.Bytes)
		assert.Equal(t, 1, download.Attempts)
	}
	task := r.of(cloudconvert.ActivityWait)[2]
	assert.Equal(t, job.Tasks[0].ID, task.TaskID)
	assert.Empty(t, task.JobID)
	assert.Equal(t, cloudconvert.StatusFinished, task.Status)
}

// A wait that its context ends has the status that was last seen.
func TestObserverOfInterruptedWaits(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		r := &recorder{}
		client := server.Client(cloudconvert.WithObserver(r.observe))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		task := testkit.RunTask(t, client)
		_, err := client.Tasks.Wait(ctx, task.ID)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		server.Inject(cloudconverttest.Fault{Method: http.MethodGet, Role: cloudconverttest.RoleAPI, Kind: cloudconverttest.Stall})
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = client.Run(ctx, cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.ExportURL{}),
			cloudconvert.WithInlineLimit(0)) // the job is seen only when it is created
		require.ErrorIs(t, err, context.DeadlineExceeded)
		waits := r.of(cloudconvert.ActivityWait)
		require.Len(t, waits, 2)
		assert.Equal(t, []any{"", task.ID, cloudconvert.StatusProcessing}, []any{waits[0].JobID, waits[0].TaskID, waits[0].Status})
		assert.Equal(t, []any{server.Jobs()[0].ID, "", cloudconvert.StatusWaiting}, []any{waits[1].JobID, waits[1].TaskID, waits[1].Status})
		r.check(t, server)
	}, cloudconverttest.WithTaskDuration(time.Hour))
}

func TestObserverSeesSortedOperations(t *testing.T) {
	t.Parallel()
	_, client, r := observed(t)
	raw := func(text string) cloudconvert.ImportRaw {
		return cloudconvert.ImportRaw{File: text, Filename: text + ".txt"}
	}
	_, err := client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"1": raw("one"), "2": raw("two"),
		"3": cloudconvert.ImportBase64{File: "eA==", Filename: "three.txt"},
		"4": cloudconvert.Archive{Input: []string{"1", "2", "3"}, OutputFormat: "zip"},
		"5": cloudconvert.ExportURL{Input: []string{"4"}},
		"6": cloudconvert.ExportURL{Input: []string{"3"}},
	}})
	require.NoError(t, err)
	assert.Equal(t, []cloudconvert.Operation{"archive", "export/url", "import/base64", "import/raw"},
		r.of(cloudconvert.ActivityCreate)[0].Operations)
}

// A caller may read a file with Read alone.
func TestObserverOfReads(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	r := &recorder{}
	client := server.Client(cloudconvert.WithObserver(r.observe), cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: -1}))
	job, err := client.Run(t.Context(), testkit.TextJob())
	require.NoError(t, err)
	for _, fails := range []bool{false, true} {
		if fails {
			server.Inject(cloudconverttest.Fault{Path: "storage:download", Kind: cloudconverttest.Truncate, Phase: cloudconverttest.During})
		}
		file, err := client.Open(t.Context(), job.Files()[0])
		require.NoError(t, err)
		read, err := io.ReadAll(one{file})
		assert.Equal(t, fails, err != nil)
		require.NoError(t, file.Close())
		download := r.of(cloudconvert.ActivityDownload)[len(r.of(cloudconvert.ActivityDownload))-1]
		require.ErrorIs(t, download.Err, err)
		assert.EqualValues(t, len(read), download.Bytes)
		assert.Equal(t, fails, len(read) < int(job.Files()[0].Size))
	}
	r.check(t, server)
}

func TestObserverOfFailures(t *testing.T) {
	t.Parallel()
	server, client, r := observed(t, cloudconverttest.WithCredits(0))
	_, err := client.Run(t.Context(), cloudconvert.Pipeline(cloudconvert.FromBytes("a.png", []byte("x")), cloudconvert.Convert{OutputFormat: "jpg"}))
	require.ErrorIs(t, err, cloudconvert.ErrCreditsExceeded)
	r.check(t, server)
	require.Len(t, r.ended, 3)
	for _, a := range r.ended {
		require.ErrorIs(t, a.Err, cloudconvert.ErrCreditsExceeded, a.Kind)
	}
	assert.Equal(t, http.StatusPaymentRequired, r.of(cloudconvert.ActivityRequest)[0].StatusCode)

	server, client, r = observed(t)
	_, err = client.Run(t.Context(), cloudconvert.Pipeline(cloudconvert.FromBytes("a.png", []byte("x")), cloudconvert.Convert{OutputFormat: "jpg"}))
	require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	r.check(t, server)
	run := r.of(cloudconvert.ActivityRun)[0]
	assert.Equal(t, cloudconvert.StatusError, run.Status)
	require.ErrorIs(t, run.Err, cloudconvert.ErrJobFailed)
}

func TestObserverOfBatch(t *testing.T) {
	t.Parallel()
	server, client, r := observed(t)
	var works []cloudconvert.Work
	for i := range 20 {
		works = append(works, cloudconvert.Work{Request: cloudconvert.Pipeline(
			cloudconvert.FromBytes(fmt.Sprintf("%d.txt", i), []byte("text")), cloudconvert.Archive{OutputFormat: "zip"})})
	}
	for result := range client.RunAll(t.Context(), slices.Values(works), cloudconvert.WithOutputDir(t.TempDir())) {
		require.NoError(t, result.Err)
	}
	r.check(t, server)
	assert.Len(t, r.of(cloudconvert.ActivityRun), 20)
	assert.Len(t, r.of(cloudconvert.ActivityDownload), 20)
}

// TestObserverMayReturnNothing uses an observer that only counts.
func TestObserverMayReturnNothing(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	n := 0
	client := server.Client(cloudconvert.WithObserver(func(context.Context, cloudconvert.Activity) (context.Context, func(cloudconvert.Activity)) {
		n++
		return nil, nil
	}))
	_, err := client.Users.Me(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	_, err = cloudconvert.NewClient("key", cloudconvert.WithObserver(nil))
	assert.Error(t, err)
}

// A retry belongs to the activity of the first attempt.
func TestObserverCountsAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client, r := observed(t, cloudconverttest.WithInProcess())
		server.Inject(cloudconverttest.Fault{Path: "/v2/users/me", Nth: 1, Times: 2, Status: http.StatusTooManyRequests})
		server.Inject(cloudconverttest.Fault{Path: "/v2/users/me", Nth: 3, Status: http.StatusServiceUnavailable})
		_, err := client.Users.Me(t.Context())
		require.NoError(t, err)
		request := r.of(cloudconvert.ActivityRequest)[0]
		assert.Equal(t, []int{4, 2, http.StatusOK}, []int{request.Attempts, request.RateLimited, request.StatusCode})

		server.Inject(cloudconverttest.Fault{Path: "storage:upload", Nth: 1, Kind: cloudconverttest.Reset})
		server.Inject(cloudconverttest.Fault{Path: "storage:download", Nth: 1, Kind: cloudconverttest.Truncate, Phase: cloudconverttest.During})
		job, err := client.Run(t.Context(), cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.ExportURL{}),
			cloudconvert.WithInlineLimit(0))
		require.NoError(t, err)
		assert.Equal(t, 2, r.of(cloudconvert.ActivityUpload)[0].Attempts)
		file, err := client.Open(t.Context(), job.Files()[0])
		require.NoError(t, err)
		var text bytes.Buffer
		_, err = io.Copy(&text, file)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		assert.Equal(t, "text", text.String())
		assert.Equal(t, 2, r.of(cloudconvert.ActivityDownload)[0].Attempts)
		r.check(t, server)
	})
}

// A caller may put a URL into a name or a tag.
func TestObserverSeesNoQueries(t *testing.T) {
	t.Parallel()
	_, client, r := observed(t)
	const secret = "https://storage.example/a.txt?X-Amz-Signature=abcdef"
	request := cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.ExportURL{})
	request.Tag = secret
	for result := range client.RunAll(t.Context(), slices.Values([]cloudconvert.Work{{Name: secret, Request: request}})) {
		require.NoError(t, result.Err)
	}
	assert.NotContains(t, fmt.Sprintf("%+v %+v", r.begun, r.ended), "abcdef")
	assert.Equal(t, "https://storage.example/a.txt?...", r.of(cloudconvert.ActivityRun)[0].Name)
}

// An observed file is read in the buffers of the client.
func TestObservedFileIsWriterTo(t *testing.T) {
	t.Parallel()
	_, client, r := observed(t)
	job, err := client.Run(t.Context(), cloudconvert.Pipeline(
		cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.ExportURL{}))
	require.NoError(t, err)
	file, err := client.Open(t.Context(), job.Files()[0])
	require.NoError(t, err)
	writerTo, ok := file.(io.WriterTo)
	require.True(t, ok)
	_, err = writerTo.WriteTo(io.Discard)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	assert.EqualValues(t, 4, r.of(cloudconvert.ActivityDownload)[0].Bytes)
}

// A caller may pass a URL or the key as any text.
func TestObserverSeesNoSecretsOfCaller(t *testing.T) {
	t.Parallel()
	const url = "https://storage.example/a.txt?X-Amz-Signature=abcdef"
	calls := map[string]func(ctx context.Context, client *cloudconvert.Client, secret string) error{
		"Jobs.Wait": func(ctx context.Context, client *cloudconvert.Client, secret string) error {
			return errorOf(client.Jobs.Wait(ctx, secret))
		},
		"Jobs.Watch": func(ctx context.Context, client *cloudconvert.Client, secret string) error {
			for _, err := range client.Jobs.Watch(ctx, secret) {
				return err
			}
			return nil
		},
		"Tasks.Wait": func(ctx context.Context, client *cloudconvert.Client, secret string) error {
			return errorOf(client.Tasks.Wait(ctx, secret))
		},
		"Tasks.Upload": func(ctx context.Context, client *cloudconvert.Client, secret string) error {
			return client.Tasks.Upload(ctx, cloudconvert.Task{
				ID: secret, JobID: secret, Operation: cloudconvert.OperationImportUpload, Status: cloudconvert.StatusWaiting,
				Result: cloudconvert.TaskResult{Form: &cloudconvert.UploadForm{URL: "http://127.0.0.1:1/upload"}},
			}, cloudconvert.FromBytes(secret+".txt", []byte("text")))
		},
		"Download": func(ctx context.Context, client *cloudconvert.Client, secret string) error {
			return errorOf(client.Download(ctx, cloudconvert.File{URL: "http://127.0.0.1:1/a.txt", Filename: secret, TaskID: secret}, io.Discard))
		},
		"Do": func(ctx context.Context, client *cloudconvert.Client, secret string) error {
			return client.Do(ctx, http.MethodGet, "/jobs/x"+strings.ReplaceAll(secret, "/", "%2F"), nil, nil)
		},
		"Run": func(ctx context.Context, client *cloudconvert.Client, secret string) error {
			return errorOf(client.Run(ctx, &cloudconvert.JobRequest{Tag: secret, Tasks: cloudconvert.Tasks{
				"source": cloudconvert.FromBytes(secret+".txt", []byte("text")),
				"raw":    cloudconvert.RawTask{Op: cloudconvert.Operation(secret), Fields: map[string]any{"input": "source"}},
			}}))
		},
		"WithKey": func(ctx context.Context, client *cloudconvert.Client, secret string) error {
			return errorOf(client.Run(ctx, testkit.TextJob(), cloudconvert.WithKey(secret)))
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client, r := observed(t)
			client, err := client.With(cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1, MinWait: time.Millisecond}))
			require.NoError(t, err)
			_ = call(t.Context(), client, server.Key())
			_ = call(t.Context(), client, url)
			assert.NotEmpty(t, r.begun)
			assert.Len(t, r.ended, len(r.begun))
			for _, secret := range []string{"X-Amz-", "abcdef", server.Key()} {
				assert.NotContains(t, fmt.Sprintf("%+v %+v", r.begun, r.ended), secret)
			}
		})
	}
}

// failingWriter fails as a writer to another storage may.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) {
	return 0, fmt.Errorf("put https://storage.example/a.txt?X-Amz-Signature=abcdef: %w", io.ErrClosedPipe)
}

func TestObserverSeesNoSecretsOfWriter(t *testing.T) {
	t.Parallel()
	_, client, r := observed(t)
	job, err := client.Run(t.Context(), testkit.TextJob())
	require.NoError(t, err)
	_, err = client.Download(t.Context(), job.Files()[0], failingWriter{})
	require.ErrorIs(t, err, io.ErrClosedPipe)
	file, err := client.Open(t.Context(), job.Files()[0])
	require.NoError(t, err)
	_, err = io.Copy(failingWriter{}, file)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.NoError(t, file.Close())
	downloads := r.of(cloudconvert.ActivityDownload)
	require.Len(t, downloads, 2)
	for _, download := range downloads {
		require.ErrorIs(t, download.Err, io.ErrClosedPipe)
		assert.NotContains(t, download.Err.Error(), "abcdef")
	}
}

// A redirect to a result is not followed, and not an error.
func TestObserverOfResultURL(t *testing.T) {
	t.Parallel()
	server, client, r := observed(t)
	_, err := client.Jobs.CreateForURL(t.Context(), testkit.TextJob())
	require.NoError(t, err)
	_, err = client.Jobs.ResultURL(t.Context(), server.Jobs()[0].ID)
	require.NoError(t, err)
	assert.Equal(t, []string{"create/request", "create", "request"}, r.paths)
	for _, a := range r.ended {
		require.NoError(t, a.Err, a.Kind)
	}
	for _, a := range r.of(cloudconvert.ActivityRequest) {
		assert.Equal(t, http.StatusFound, a.StatusCode)
	}
	create := r.of(cloudconvert.ActivityCreate)[0]
	assert.Equal(t, cloudconvert.StatusFinished, create.Status)
	assert.Equal(t, server.Jobs()[0].Tag, create.Tag)
	r.check(t, server)
}

// An activity ends even if the code of the caller does not return to the client.
func TestActivitiesEndWithPanics(t *testing.T) {
	t.Parallel()
	calls := map[string]func(ctx context.Context, client *cloudconvert.Client, job *cloudconvert.Job, leave func()) error{
		"Watch": func(ctx context.Context, client *cloudconvert.Client, job *cloudconvert.Job, leave func()) error {
			for _, err := range client.Jobs.Watch(ctx, job.ID) {
				leave()
				return err
			}
			return nil
		},
		"Download": func(ctx context.Context, client *cloudconvert.Client, job *cloudconvert.Job, leave func()) error {
			return errorOf(client.Download(ctx, job.Files()[0], writerFunc(func([]byte) (int, error) {
				leave()
				return 0, nil
			})))
		},
		"Run": func(ctx context.Context, client *cloudconvert.Client, _ *cloudconvert.Job, leave func()) error {
			return errorOf(client.Run(ctx, testkit.TextJob(), cloudconvert.WithProgress(func(cloudconvert.Progress) { leave() })))
		},
		"transport": func(ctx context.Context, client *cloudconvert.Client, job *cloudconvert.Job, leave func()) error {
			client, err := client.With(cloudconvert.WithHTTPClient(&http.Client{Transport: testkit.Reply(func(*http.Request) (*http.Response, error) {
				leave()
				return nil, io.EOF
			})}))
			if err != nil {
				return err
			}
			return errorOf(client.Open(ctx, job.Files()[0]))
		},
	}
	for name, call := range calls {
		for way, leave := range map[string]func(){"panic": panics, "Goexit": runtime.Goexit} {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				server, client, r := observed(t)
				job, err := server.Client().Run(t.Context(), testkit.TextJob())
				require.NoError(t, err)
				left := make(chan bool)
				go func() {
					returned := false
					defer func() {
						_ = recover()
						left <- !returned
					}()
					_ = call(t.Context(), client, job, leave)
					returned = true
				}()
				require.True(t, <-left)
				assert.NotEmpty(t, r.ended)
				r.check(t, server)
				assert.ErrorContains(t, r.ended[len(r.ended)-1].Err, "panic")
			})
		}
	}
}

func panics() { panic("of the caller") } //nolint:forbidigo // the test is about panics

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// The error of a creation is that which the call returns.
func TestObserverOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	request := cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.ExportURL{})
	request.Tag = "not unique" // so that the job is not looked for
	for name, call := range map[string]func(ctx context.Context, client *cloudconvert.Client) error{
		"Run": func(ctx context.Context, client *cloudconvert.Client) error { return errorOf(client.Run(ctx, request)) },
		"Jobs.Create": func(ctx context.Context, client *cloudconvert.Client) error {
			return errorOf(client.Jobs.Create(ctx, request))
		},
	} {
		server, client, r := observed(t)
		server.Inject(cloudconverttest.Fault{Path: "/v2/jobs", Kind: cloudconverttest.Reset, Phase: cloudconverttest.After})
		err := call(t.Context(), client)
		require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown, name)
		for _, a := range r.ended {
			assert.Equal(t, a.Kind != cloudconvert.ActivityRequest, errors.Is(a.Err, cloudconvert.ErrOutcomeUnknown), "%s: %s", name, a.Kind)
		}
	}
}

// Close may end the activity while the file is being copied.
func TestObserverCountsBytesAsTheyAreCopied(t *testing.T) {
	t.Parallel()
	_, client, r := observed(t)
	job, err := client.Run(t.Context(), cloudconvert.Pipeline(
		cloudconvert.FromBytes("a.bin", bytes.Repeat([]byte("x"), 3<<20)), cloudconvert.ExportURL{}))
	require.NoError(t, err)
	file, err := client.Open(t.Context(), job.Files()[0])
	require.NoError(t, err)
	copied := 0
	_, err = io.Copy(writerFunc(func(p []byte) (int, error) {
		if copied += len(p); copied > 1<<20 {
			_ = file.Close()
			return len(p), io.ErrClosedPipe
		}
		return len(p), nil
	}), file)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	download := r.of(cloudconvert.ActivityDownload)[0]
	assert.Positive(t, download.Bytes)
	assert.LessOrEqual(t, download.Bytes, int64(copied))
	assert.NoError(t, download.Err)
}
