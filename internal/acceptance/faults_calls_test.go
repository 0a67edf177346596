package acceptance_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// faultCall is a column of the table: what is called while something is wrong.
type faultCall struct {
	name   string
	method string // of the requests that are counted
	result string // what the caller gets if all goes well
	// jobs and tasks are how many a call creates.
	jobs, tasks int
	patience    time.Duration // how long its context lasts, unless it is faultPatience
	// late calls strike the fault themselves, see world.strike.
	late bool
	// prepare returns the call, and what is to be checked when it is over.
	prepare func(t *testing.T, w *world) (call func(context.Context) error, check func(t *testing.T, err error))
}

func faultCalls() []faultCall {
	return []faultCall{
		{name: "`Jobs.Get`", method: http.MethodGet, result: "the job", prepare: prepareGet},
		{name: "`Jobs.Delete`", method: http.MethodDelete, result: "deleted", prepare: prepareDelete},
		{name: "`Jobs.Create`", method: http.MethodPost, result: "the job", jobs: 1, tasks: 2, prepare: prepareCreate},
		{name: "`Run`", method: http.MethodPost, result: "the ended job", jobs: 1, tasks: 2, prepare: prepareRun},
		{name: "`Run` with a key", method: http.MethodPost, result: "the ended job", jobs: 1, tasks: 2, late: true, prepare: prepareKeyedRun},
		{name: "`Tasks.Create`", method: http.MethodPost, result: "the task", tasks: 1, prepare: prepareTask},
		{name: "`Jobs.Wait`", result: "the ended job", patience: 3 * time.Minute, prepare: prepareWait},
		{name: "`Tasks.Upload`", method: http.MethodPost, result: "uploaded", prepare: prepareUpload},
		{name: "`Download`", method: http.MethodGet, result: "the file", prepare: prepareDownload},
		{name: "`Save`", method: http.MethodGet, result: "the file", prepare: prepareSave},
	}
}

// nothingMore is for calls whose result is checked when it is there.
func nothingMore(*testing.T, error) {}

func prepareGet(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	created := testkit.RunJob(t, w.server.Client())
	return func(ctx context.Context) error {
		job, err := w.client.Jobs.Get(ctx, created.ID)
		if err == nil {
			assert.Equal(t, created.ID, job.ID)
			assert.Len(t, job.Tasks, 2)
		}
		return err
	}, nothingMore
}

func prepareDelete(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	created := testkit.RunJob(t, w.server.Client())
	return func(ctx context.Context) error {
			return w.client.Jobs.Delete(ctx, created.ID)
		}, func(t *testing.T, err error) {
			t.Helper()
			if err == nil {
				for _, job := range w.server.Jobs() {
					assert.NotEqual(t, created.ID, job.ID)
				}
			}
		}
}

// isNewest checks that a job is the one that was created last.
func (w *world) isNewest(t *testing.T, job *cloudconvert.Job) {
	t.Helper()
	jobs := w.server.Jobs()
	require.NotEmpty(t, jobs)
	assert.Equal(t, jobs[len(jobs)-1].ID, job.ID)
	assert.Len(t, job.Tasks, 2)
}

func prepareCreate(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	return func(ctx context.Context) error {
		job, err := w.client.Jobs.Create(ctx, testkit.TextJob())
		if err == nil {
			w.isNewest(t, job)
		}
		return err
	}, nothingMore
}

func prepareRun(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	return func(ctx context.Context) error {
		job, err := w.client.Run(ctx, testkit.TextJob())
		if err == nil {
			w.isNewest(t, job)
			assert.Equal(t, cloudconvert.StatusFinished, job.Status)
		}
		return err
	}, nothingMore
}

// prepareKeyedRun returns a call with a key. The fault strikes when the call has found no
// job under the key, and reads the source for the job that it is about to create.
func prepareKeyedRun(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	source := cloudconvert.FromReader("a.txt", io.MultiReader(strings.NewReader("text"), strikingReader{w}))
	return func(ctx context.Context) error {
		job, err := w.client.Run(ctx, cloudconvert.Pipeline(source, cloudconvert.ExportURL{}), cloudconvert.WithKey("k"))
		if err == nil {
			w.isNewest(t, job)
			assert.Equal(t, cloudconvert.StatusFinished, job.Status)
		}
		return err
	}, nothingMore
}

// strikingReader is at its end, and lets the fault strike.
type strikingReader struct{ w *world }

func (r strikingReader) Read([]byte) (int, error) {
	r.w.strike()
	return 0, io.EOF
}

func prepareTask(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	return func(ctx context.Context) error {
		task, err := w.client.Tasks.Create(ctx, testkit.TextTask)
		if err == nil {
			tasks := w.server.Tasks()
			assert.Equal(t, tasks[len(tasks)-1].ID, task.ID)
		}
		return err
	}, nothingMore
}

func prepareWait(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	created := testkit.RunJob(t, w.server.Client())
	return func(ctx context.Context) error {
		job, err := w.client.Jobs.Wait(ctx, created.ID)
		if err == nil {
			assert.Equal(t, created.ID, job.ID)
			assert.Equal(t, cloudconvert.StatusFinished, job.Status)
		}
		return err
	}, nothingMore
}

// fileText is what is uploaded and downloaded.
var fileText = strings.Repeat("what is in the file\n", 50)

func prepareUpload(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	return w.upload(t, func() cloudconvert.Source { return cloudconvert.FromBytes("a.txt", []byte(w.text)) })
}

// upload prepares to upload a source, which is meant to be the text.
func (w *world) upload(t *testing.T, source func() cloudconvert.Source) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	_, task := testkit.UploadJob(t, w.server.Client())
	for _, field := range task.Result.Form.Fields {
		if strings.Contains(strings.ToLower(field.Name), "signature") || strings.EqualFold(field.Name, "policy") {
			w.secrets = append(w.secrets, field.Value)
		}
	}
	return func(ctx context.Context) error {
			return w.client.Tasks.Upload(ctx, task, source())
		}, func(t *testing.T, err error) {
			t.Helper()
			stored := testkit.StoredText(t, w.server)
			w.untrue = err == nil && stored != w.text
			if stored != "" {
				testkit.Same(t, w.text, stored)
			}
		}
}

// result is a file to be downloaded.
func (w *world) result(t *testing.T) cloudconvert.File {
	t.Helper()
	job, err := w.server.Client().Run(t.Context(), cloudconvert.Pipeline(
		cloudconvert.ImportRaw{File: w.text, Filename: "a.txt"}, cloudconvert.ExportURL{}))
	require.NoError(t, err)
	require.Len(t, job.Files(), 1)
	file := job.Files()[0]
	_, query, _ := strings.Cut(file.URL, "?")
	_, signed, _ := strings.Cut(query, "X-Amz-Signature=")
	signed, _, _ = strings.Cut(signed, "&")
	w.secrets = append(w.secrets, query, signed)
	return file
}

func prepareDownload(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	return w.download(w.result(t), -1)
}

// download prepares to write a file to where there is so much room, or enough if that is negative.
func (w *world) download(file cloudconvert.File, room int) (func(context.Context) error, func(*testing.T, error)) {
	disk := &smallWriter{room: room}
	return func(ctx context.Context) error {
			n, err := w.client.Download(ctx, file, disk)
			if n != int64(disk.Len()) {
				return errors.Join(err, errors.New("another number of bytes"))
			}
			return err
		}, func(t *testing.T, err error) {
			t.Helper()
			w.untrue = err == nil && disk.String() != w.text
			assert.True(t, strings.HasPrefix(w.text, disk.String()) || strings.HasPrefix(w.other, disk.String()), "not a byte of anything else")
		}
}

// smallWriter is a disk that gets full.
type smallWriter struct {
	bytes.Buffer

	room int
}

func (w *smallWriter) Write(p []byte) (int, error) {
	if w.room >= 0 && w.Len()+len(p) > w.room {
		n, _ := w.Buffer.Write(p[:w.room-w.Len()]) // a buffer takes everything
		return n, testkit.ErrNoSpace
	}
	return w.Buffer.Write(p)
}

func prepareSave(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	return w.save(w.result(t), t.TempDir())
}

// save prepares to save a file in a directory that has nothing in it, and will be there or not.
func (w *world) save(file cloudconvert.File, dir string) (func(context.Context) error, func(*testing.T, error)) {
	return func(ctx context.Context) error {
			_, err := w.client.Save(ctx, dir, []cloudconvert.File{file})
			return err
		}, func(t *testing.T, err error) {
			t.Helper()
			if err != nil {
				entries, _ := os.ReadDir(dir) // none if it is gone
				assert.Empty(t, entries, "no partial file")
				return
			}
			assert.Equal(t, []string{"a.txt"}, testkit.Listed(t, dir))
			got := testkit.ReadFile(t, filepath.Join(dir, "a.txt"))
			w.untrue = got != w.text
			assert.True(t, !w.untrue || got == w.other, "no wrong file")
		}
}
