package cloudconvert_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
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
	assert.Equal(t, job.Tasks[0].ID, r.of(cloudconvert.ActivityWait)[2].TaskID)
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
