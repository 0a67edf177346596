package acceptance_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// One suite, written with the public API alone, for the local sandbox and for the hosted one: where they differ, one of
// them fails. With a key of the hosted sandbox in the environment both run:
//
//	CLOUDCONVERT_SANDBOX_KEY=... go test -run TestIntegration -v ./internal/acceptance
//
// The key needs the scopes user.read, task.read and task.write. The sandbox takes only files that are on the whitelist
// of its account: put these there, which are in testdata.
const (
	photoName, photoMD5   = "photo.png", "8f4ca482c1553fc9a87a2217a43c4943"
	brokenName, brokenMD5 = "broken.png", "0ab42183f2677325f8e21275c077206f"
)

const (
	sandboxKey = "CLOUDCONVERT_SANDBOX_KEY"
	unknownID  = "00000000-0000-4000-8000-000000000000"
	// patience is for the hosted sandbox in a bad hour.
	patience = 5 * time.Minute
)

func TestIntegration(t *testing.T) {
	t.Parallel()
	t.Run("local sandbox", func(t *testing.T) {
		t.Parallel()
		server := cloudconverttest.NewServer(cloudconverttest.WithWhitelist(photoMD5, brokenMD5))
		t.Cleanup(server.Close)
		newIntegration(t, server.Key(), server.ClientOptions()...).run(t)
	})
	t.Run("hosted sandbox", func(t *testing.T) {
		t.Parallel()
		key := os.Getenv(sandboxKey)
		if key == "" {
			t.Skip(sandboxKey + " is not set, so nothing was compared with the hosted sandbox")
		}
		newIntegration(t, key, cloudconvert.WithSandbox()).run(t)
	})
}

// The whitelist of the hosted sandbox has the files by these hashes.
func TestIntegrationFiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{photoName: photoMD5, brokenName: brokenMD5} {
		sum := md5.Sum([]byte(testkit.ReadFile(t, filepath.Join("..", "..", "testdata", name))))
		assert.Equal(t, want, hex.EncodeToString(sum[:]), name)
	}
}

// integration is the suite, for one sandbox.
type integration struct {
	client   *cloudconvert.Client
	stranger *cloudconvert.Client // with an invalid key
}

func newIntegration(t *testing.T, key string, opts ...cloudconvert.Option) integration {
	t.Helper()
	client, err := cloudconvert.NewClient(key, opts...)
	require.NoError(t, err)
	stranger, err := cloudconvert.NewClient("invalid-key", opts...)
	require.NoError(t, err)
	return integration{client, stranger}
}

func (s integration) run(t *testing.T) {
	t.Helper()
	for name, test := range map[string]func(context.Context, *testing.T){
		"account":                    s.account,
		"unknown key":                s.unknownKey,
		"convert a file":             s.convertFile,
		"file not on the whitelist":  s.notWhitelisted,
		"failed conversion":          s.failedConversion,
		"job by hand":                s.jobByHand,
		"watch":                      s.watch,
		"upload and download":        s.roundTrip,
		"list by tag":                s.listByTag,
		"list tasks":                 s.listTasks,
		"task with everything":       s.includes,
		"delete":                     s.deletion,
		"cancel a job":               s.cancelJob,
		"cancel a task":              s.cancelTask,
		"unknown ids":                s.unknownIDs,
		"wrong request":              s.wrongRequest,
		"catalog":                    s.catalog,
		"single tasks":               s.singleTasks,
		"waiting without any upload": s.withoutUpload,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			test(ctx, t)
		})
	}
}

func (s integration) account(ctx context.Context, t *testing.T) {
	t.Helper()
	user, err := s.client.Users.Me(ctx)
	require.NoError(t, err)
	assert.NotEmpty(t, user.ID)
	assert.NotEmpty(t, user.Username)
	assert.Contains(t, user.Email, "@")
	assert.Positive(t, user.Credits)
	assert.False(t, user.CreatedAt.IsZero())
}

func (s integration) unknownKey(ctx context.Context, t *testing.T) {
	t.Helper()
	_, err := s.stranger.Users.Me(ctx)
	require.ErrorIs(t, err, cloudconvert.ErrUnauthorized)
	assert.ErrorIs(t, err, cloudconvert.CodeUnauthenticated)
}

func (s integration) convertFile(ctx context.Context, t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "photo.jpg")
	paths, err := s.client.ConvertFile(ctx, photoPath(), path)
	require.NoError(t, err)
	assert.Equal(t, []string{path}, paths)
	picture, err := jpeg.DecodeConfig(bytes.NewReader([]byte(testkit.ReadFile(t, path))))
	require.NoError(t, err)
	assert.Equal(t, []int{640, 480}, []int{picture.Width, picture.Height})
}

func (s integration) notWhitelisted(ctx context.Context, t *testing.T) {
	t.Helper()
	job, err := s.client.Run(ctx, cloudconvert.Pipeline(
		cloudconvert.ImportRaw{File: "not on the whitelist: " + t.Name(), Filename: "note.txt"},
		cloudconvert.ExportURL{},
	))
	require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	require.ErrorIs(t, err, cloudconvert.CodeSandboxFileNotAllowed)
	imported := taskOf(t, job, "import-raw")
	require.Len(t, imported.Result.Files, 1)
	assert.Equal(t, "note.txt", imported.Result.Files[0].Filename)
	assert.NotEmpty(t, imported.Result.Files[0].MD5)
}

func (s integration) failedConversion(ctx context.Context, t *testing.T) {
	t.Helper()
	job, err := s.client.Convert(ctx, cloudconvert.FromFile(filepath.Join("..", "..", "testdata", brokenName)), "jpg")
	var failed *cloudconvert.JobError
	require.ErrorAs(t, err, &failed)
	require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	assert.Equal(t, cloudconvert.StatusError, job.Status)
	assert.Empty(t, job.Files())
	assert.Equal(t, cloudconvert.OperationConvert, failed.Tasks[0].Operation)
	assert.NotEmpty(t, failed.Tasks[0].Message)
	assert.Equal(t, cloudconvert.CodeInputTaskFailed, failed.Tasks[len(failed.Tasks)-1].Code)
	assert.False(t, cloudconvert.IsRetryable(err))
}

// jobByHand does what ConvertFile does, step by step.
func (s integration) jobByHand(ctx context.Context, t *testing.T) {
	t.Helper()
	created := s.create(ctx, t, cloudconvert.Convert{OutputFormat: "jpg"})
	assert.Contains(t, []cloudconvert.Status{cloudconvert.StatusWaiting, cloudconvert.StatusProcessing}, created.Status)
	assert.False(t, created.CreatedAt.IsZero())
	assert.Zero(t, created.EndedAt)
	upload := taskOf(t, created, "import-upload")
	assert.Equal(t, cloudconvert.StatusWaiting, upload.Status)
	require.NoError(t, s.client.Tasks.Upload(ctx, upload, cloudconvert.FromFile(photoPath())))

	job, err := s.client.Jobs.Wait(ctx, created.ID)
	require.NoError(t, err)
	assert.Equal(t, created.ID, job.ID)
	assert.Equal(t, created.Tag, job.Tag)
	assert.False(t, job.EndedAt.Before(job.CreatedAt))
	assert.Equal(t, photoMD5, taskOf(t, job, "import-upload").Result.Files[0].MD5)
	require.Len(t, job.Files(), 1)
	file := job.Files()[0]
	assert.Equal(t, "photo.jpg", file.Filename)
	var content bytes.Buffer
	size, err := s.client.Download(ctx, file, &content)
	require.NoError(t, err)
	assert.Equal(t, file.Size, size)
	assert.Equal(t, file.Size, int64(content.Len()))

	again, err := s.client.Jobs.Get(ctx, job.ID)
	require.NoError(t, err)
	assert.Equal(t, cloudconvert.StatusFinished, again.Status)
	assert.Len(t, again.Tasks, 3)
}

func (s integration) watch(ctx context.Context, t *testing.T) {
	t.Helper()
	created := s.create(ctx, t, cloudconvert.Convert{OutputFormat: "jpg"})
	require.NoError(t, s.client.Tasks.Upload(ctx, taskOf(t, created, "import-upload"), cloudconvert.FromFile(photoPath())))
	var statuses []cloudconvert.Status
	for job, err := range s.client.Jobs.Watch(ctx, created.ID) {
		require.NoError(t, err)
		assert.Equal(t, created.ID, job.ID)
		statuses = append(statuses, job.Status)
	}
	require.NotEmpty(t, statuses)
	for i, status := range statuses {
		assert.Equal(t, i == len(statuses)-1, status.Terminal(), statuses)
	}
	assert.Equal(t, cloudconvert.StatusFinished, statuses[len(statuses)-1])
}

func (s integration) roundTrip(ctx context.Context, t *testing.T) {
	t.Helper()
	const name = "Übersicht für Büro – 東京 (1).png"
	photo := testkit.ReadFile(t, photoPath())
	created := s.create(ctx, t)
	source := cloudconvert.FromBytes(name, []byte(photo))
	require.NoError(t, s.client.Tasks.Upload(ctx, taskOf(t, created, "import-upload"), source))
	job, err := s.client.Jobs.Wait(ctx, created.ID)
	require.NoError(t, err)
	require.Len(t, job.Files(), 1)
	assert.Equal(t, name, job.Files()[0].Filename)
	assert.Equal(t, int64(len(photo)), job.Files()[0].Size)
	paths, err := s.client.Save(ctx, t.TempDir(), job.Files())
	require.NoError(t, err)
	require.Len(t, paths, 1)
	assert.Equal(t, name, filepath.Base(paths[0]))
	testkit.Same(t, photo, testkit.ReadFile(t, paths[0]))
}

func (s integration) listByTag(ctx context.Context, t *testing.T) {
	t.Helper()
	older, newer := s.create(ctx, t), s.create(ctx, t)
	require.NotEqual(t, older.Tag, newer.Tag)
	page, err := s.client.Jobs.List(ctx, cloudconvert.JobListOptions{Tag: older.Tag})
	require.NoError(t, err)
	require.Len(t, page.Data, 1)
	assert.Equal(t, older.ID, page.Data[0].ID)
	assert.Empty(t, page.Data[0].Tasks)
	assert.Empty(t, page.Links.Next)
	var found []string
	for job, err := range s.client.Jobs.All(ctx, cloudconvert.JobListOptions{
		Tag: newer.Tag, Include: []cloudconvert.Include{cloudconvert.IncludeTasks}, PerPage: 1,
	}) {
		require.NoError(t, err)
		assert.Len(t, job.Tasks, 2)
		found = append(found, job.ID)
	}
	assert.Equal(t, []string{newer.ID}, found)
}

func (s integration) listTasks(ctx context.Context, t *testing.T) {
	t.Helper()
	job := s.create(ctx, t, cloudconvert.Convert{OutputFormat: "jpg"})
	found := map[string]string{}
	for task, err := range s.client.Tasks.All(ctx, cloudconvert.TaskListOptions{
		JobID: job.ID, Status: cloudconvert.StatusWaiting, PerPage: 2,
	}) {
		require.NoError(t, err)
		found[task.ID] = task.Name
	}
	assert.Equal(t, map[string]string{
		taskOf(t, job, "import-upload").ID: "import-upload",
		taskOf(t, job, "convert").ID:       "convert",
		taskOf(t, job, "export-url").ID:    "export-url",
	}, found)
	page, err := s.client.Tasks.List(ctx, cloudconvert.TaskListOptions{
		JobID: job.ID, Operation: cloudconvert.OperationConvert,
	})
	require.NoError(t, err)
	require.Len(t, page.Data, 1)
	assert.Equal(t, taskOf(t, job, "convert").ID, page.Data[0].ID)
}

func (s integration) includes(ctx context.Context, t *testing.T) {
	t.Helper()
	job := s.create(ctx, t, cloudconvert.Convert{OutputFormat: "jpg"})
	task, err := s.client.Tasks.Get(ctx, taskOf(t, job, "convert").ID, cloudconvert.WithInclude(
		cloudconvert.IncludePayload, cloudconvert.IncludeDependsOnTasks, cloudconvert.IncludeJob, cloudconvert.IncludeRetries))
	require.NoError(t, err)
	assert.Equal(t, "convert", task.Name)
	assert.Equal(t, job.ID, task.JobID)
	assert.Equal(t, cloudconvert.OperationConvert, task.Operation)
	assert.Contains(t, string(task.Payload), `"output_format"`)
	upload := taskOf(t, job, "import-upload").ID
	assert.Equal(t, []string{upload}, task.DependsOnTaskIDs)
	require.Len(t, task.DependsOnTasks, 1)
	assert.Equal(t, upload, task.DependsOnTasks[0].ID)
	require.NotNil(t, task.Job)
	assert.Equal(t, job.ID, task.Job.ID)
	assert.Empty(t, task.Retries)
	bare, err := s.client.Tasks.Get(ctx, task.ID)
	require.NoError(t, err)
	assert.Nil(t, bare.Job)
	assert.Empty(t, bare.Payload)
}

func (s integration) deletion(ctx context.Context, t *testing.T) {
	t.Helper()
	job, err := s.client.Convert(ctx, cloudconvert.FromFile(photoPath()), "jpg")
	require.NoError(t, err)
	require.NoError(t, s.client.Jobs.Delete(ctx, job.ID))
	_, err = s.client.Jobs.Get(ctx, job.ID)
	require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	_, err = s.client.Tasks.Get(ctx, job.Tasks[0].ID)
	require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	_, err = s.client.Download(ctx, job.Files()[0], new(bytes.Buffer))
	assert.Error(t, err)
}

func (s integration) cancelJob(ctx context.Context, t *testing.T) {
	t.Helper()
	job := s.create(ctx, t, cloudconvert.Convert{OutputFormat: "jpg"})
	require.NoError(t, s.client.Jobs.Cancel(ctx, job.ID))
	job, err := s.client.Jobs.Wait(ctx, job.ID)
	require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	for _, task := range job.Tasks {
		assert.Equal(t, cloudconvert.StatusError, task.Status, task.Name)
	}
}

func (s integration) cancelTask(ctx context.Context, t *testing.T) {
	t.Helper()
	upload := taskOf(t, s.create(ctx, t), "import-upload")
	task, err := s.client.Tasks.Cancel(ctx, upload.ID)
	require.NoError(t, err)
	assert.Equal(t, upload.ID, task.ID)
	_, err = s.client.Tasks.Wait(ctx, upload.ID)
	require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	_, err = s.client.Tasks.Cancel(ctx, upload.ID)
	assert.ErrorIs(t, err, cloudconvert.ErrInvalid)
}

func (s integration) unknownIDs(ctx context.Context, t *testing.T) {
	t.Helper()
	_, err := s.client.Jobs.Get(ctx, unknownID)
	require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	_, err = s.client.Jobs.Wait(ctx, unknownID)
	require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	require.ErrorIs(t, s.client.Jobs.Delete(ctx, unknownID), cloudconvert.ErrNotFound)
	_, err = s.client.Tasks.Get(ctx, unknownID)
	require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	_, err = s.client.Tasks.Cancel(ctx, unknownID)
	require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	assert.ErrorIs(t, s.client.Tasks.Delete(ctx, unknownID), cloudconvert.ErrNotFound)
}

// wrongRequest sends what the SDK itself would refuse to send.
func (s integration) wrongRequest(ctx context.Context, t *testing.T) {
	t.Helper()
	err := s.client.Do(ctx, http.MethodPost, "/jobs", map[string]any{"tasks": map[string]any{}}, nil)
	var refused *cloudconvert.Error
	require.ErrorAs(t, err, &refused)
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	assert.Equal(t, http.StatusUnprocessableEntity, refused.StatusCode)
	assert.Equal(t, cloudconvert.CodeInvalidData, refused.Code)
	assert.Contains(t, refused.Fields, "tasks")
}

func (s integration) catalog(ctx context.Context, t *testing.T) {
	t.Helper()
	page, err := s.client.Formats.List(ctx, cloudconvert.FormatListOptions{
		Operation: cloudconvert.OperationConvert, InputFormat: "png", OutputFormat: "jpg",
		Include: []cloudconvert.Include{cloudconvert.IncludeOptions, cloudconvert.IncludeEngineVersions},
	})
	require.NoError(t, err)
	require.Len(t, page.Data, 1, "without alternatives there is one engine for a pair")
	format := page.Data[0]
	assert.Equal(t, cloudconvert.OperationConvert, format.Operation)
	assert.Equal(t, []string{"png", "jpg"}, []string{format.InputFormat, format.OutputFormat})
	assert.NotEmpty(t, format.Engine)
	assert.NotEmpty(t, format.EngineVersions)
	good := cloudconvert.Convert{OutputFormat: "jpg", Options: cloudconvert.Options{"quality": 80}}
	require.NoError(t, format.Validate(good))
	bad := cloudconvert.Convert{OutputFormat: "jpg", Options: cloudconvert.Options{"qualty": 80}}
	assert.ErrorIs(t, format.Validate(bad), cloudconvert.ErrInvalid)
}

// singleTasks exports a file without any job.
func (s integration) singleTasks(ctx context.Context, t *testing.T) {
	t.Helper()
	imported, err := s.client.Tasks.Create(ctx, cloudconvert.ImportUpload{})
	require.NoError(t, err)
	assert.Empty(t, imported.JobID)
	require.NoError(t, s.client.Tasks.Upload(ctx, *imported, cloudconvert.FromFile(photoPath())))
	exported, err := s.client.Tasks.Create(ctx, cloudconvert.ExportURL{Input: []string{imported.ID}})
	require.NoError(t, err)
	exported, err = s.client.Tasks.Wait(ctx, exported.ID)
	require.NoError(t, err)
	require.Len(t, exported.Result.Files, 1)
	assert.Equal(t, photoName, exported.Result.Files[0].Filename)
	require.NoError(t, s.client.Tasks.Delete(ctx, exported.ID))
	_, err = s.client.Tasks.Get(ctx, exported.ID)
	assert.ErrorIs(t, err, cloudconvert.ErrNotFound)
}

// withoutUpload would wait for ever.
func (s integration) withoutUpload(ctx context.Context, t *testing.T) {
	t.Helper()
	_, err := s.client.Jobs.Wait(ctx, s.create(ctx, t).ID)
	require.Error(t, err)
	require.NoError(t, ctx.Err(), "it did wait")
	assert.NotErrorIs(t, err, cloudconvert.ErrJobFailed)
}

// create makes a job that waits for an upload and ends in an export. It is deleted after the test.
func (s integration) create(ctx context.Context, t *testing.T, between ...cloudconvert.TaskRequest) *cloudconvert.Job {
	t.Helper()
	tasks := append([]cloudconvert.TaskRequest{cloudconvert.ImportUpload{}}, between...)
	job, err := s.client.Jobs.Create(ctx, cloudconvert.Pipeline(append(tasks, cloudconvert.ExportURL{})...))
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, s.client.Jobs.Delete(context.WithoutCancel(ctx), job.ID))
	})
	return job
}

func taskOf(t *testing.T, job *cloudconvert.Job, name string) cloudconvert.Task {
	t.Helper()
	task, ok := job.Task(name)
	require.True(t, ok, "no task %q", name)
	return task
}

func photoPath() string { return filepath.Join("..", "..", "testdata", photoName) }
