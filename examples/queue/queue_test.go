package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// worker is a command work within the test process.
type worker struct {
	stdout, stderr buffer
	stop           context.CancelFunc
	ended          chan error
}

// work starts to work on the queue.
func (q *queue) work(t *testing.T, change func(*settings)) *worker {
	t.Helper()
	client := q.server.Client()
	s := q.settings("work")
	s.concurrency = 1
	s.pace = pace{attempt: time.Minute, rescue: 2 * time.Minute, wait: time.Minute, snooze: time.Hour, stop: time.Nanosecond}
	if change != nil {
		change(&s)
	}
	w := &worker{ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	go func() { w.ended <- work(ctx, client, s, &w.stdout, &w.stderr) }()
	t.Cleanup(func() {
		stop()
		err := w.wait()
		if t.Failed() {
			t.Log(err, &w.stderr)
		}
	})
	return w
}

// end stops a worker and returns its error.
func (w *worker) end() error {
	w.stop()
	return w.wait()
}

// wait waits for the end of a worker and returns its error.
func (w *worker) wait() error {
	select {
	case err := <-w.ended:
		w.ended <- err
		return err
	case <-time.After(time.Minute):
		return errors.New("it did not end within a minute")
	}
}

// block makes the conversion of files with a name wait for the returned function.
func (q *queue) block(t *testing.T, name string, result error) (release context.CancelFunc) {
	t.Helper()
	released, release := context.WithCancel(t.Context())
	t.Cleanup(release)
	q.server.HandleConvert("txt", "pdf", func(ctx context.Context, run *cloudconverttest.Run) error {
		if run.Input().Name == name {
			select {
			case <-released.Done():
			case <-ctx.Done():
				return ctx.Err()
			}
			if result != nil {
				return result
			}
		}
		return run.Write(run.OutputName(run.Input()), []byte("PDF"))
	})
	return release
}

func (q *queue) status(t *testing.T) string {
	t.Helper()
	var stdout buffer
	require.NoError(t, status(t.Context(), q.settings("status"), &stdout))
	return stdout.String()
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args, want string
		code       int
	}{
		{"-h", "queue - convert files", exitOK},
		{"add -h", "queue - convert files", exitOK},
		{"", "want a command", exitUsage},
		{"convert", `unknown command "convert"`, exitUsage},
		{"-fast work", "-fast", exitUsage},
		{"add", "want files", exitUsage},
		{"add -to a/b x.txt", `"a/b" is not a format`, exitUsage},
		{"work x.txt", `unexpected argument "x.txt"`, exitUsage},
		{"work -concurrency 0", "-concurrency 0", exitUsage},
		{"work -timeout 1s", "at least a minute", exitUsage},
		{"work -webhook https://example.com/", "ends with a secret", exitUsage},
		{"work", "CLOUDCONVERT_API_KEY", exitFailed},
		{"-queue missing.db status", "missing.db: there is no queue: add files first", exitFailed},
	} {
		var stdout, stderr buffer
		assert.Equal(t, test.code, run(t.Context(), strings.Fields(test.args), &stdout, &stderr), test.args)
		assert.Contains(t, stderr.String(), test.want)
		assert.Empty(t, stdout.String())
	}
	assert.NoFileExists(t, "missing.db")
}

func TestQueueFileOrDatabase(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://user:secret@127.0.0.1:1/queue")
	var stdout, stderr buffer
	assert.Equal(t, exitUsage, run(t.Context(), []string{"-queue", "q.db", "status"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "DATABASE_URL is set")
	assert.Equal(t, exitFailed, run(t.Context(), []string{"status"}, &stdout, &stderr))
	assert.NotContains(t, stderr.String(), "secret")
}

func TestAdd(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "")
	require.NoError(t, os.Mkdir(filepath.Join(q.dir, "directory.txt"), 0o700))
	q.write(t, "there.pdf")
	sources := []string{
		q.write(t, "a.txt"), q.write(t, "b.tar.gz"), q.write(t, "a.html"), q.write(t, "README"), q.write(t, ".txt"),
		q.write(t, "bad\xff.txt"), filepath.Join(q.dir, "directory.txt"), filepath.Join(q.dir, "missing.txt"), q.write(t, "there.txt"),
	}
	var stderr buffer
	require.EqualError(t, add(t.Context(), q.settings("add", sources...), &stderr), "not all files were added")
	for _, want := range []string{
		"a.html would become " + filepath.Join(q.dir, "a.pdf") + ", and so does " + filepath.Join(q.dir, "a.txt"),
		"cannot tell the format of " + filepath.Join(q.dir, "README"), "cannot tell the format of " + filepath.Join(q.dir, ".txt"),
		"is not UTF-8", "directory.txt is a directory", "missing.txt: no such file", "there.pdf exists already",
		"queue: 2 of 9 files added\n",
	} {
		assert.Contains(t, stderr.String(), want)
	}
	assert.Len(t, q.jobs(t, rivertype.JobStateAvailable), 2)
	assert.FileExists(t, q.file)
}

func TestAddTwice(t *testing.T) {
	t.Chdir(t.TempDir())
	q := newQueue(t, "")
	require.NoError(t, os.WriteFile("a.txt", nil, 0o600))
	absolute, err := filepath.Abs("a.txt")
	require.NoError(t, err)
	var stderr buffer
	require.NoError(t, add(t.Context(), q.settings("add", "a.txt", absolute), &stderr))
	require.NoError(t, add(t.Context(), q.settings("add", absolute), &stderr))
	require.NoError(t, os.WriteFile("a.html", nil, 0o600))
	require.Error(t, add(t.Context(), q.settings("add", "a.html"), &stderr))
	assert.Equal(t, "queue: 1 of 1 files added\n"+
		"queue: "+absolute+": it is in the queue already\nqueue: 0 of 1 files added\n"+
		"queue: "+filepath.Join(filepath.Dir(absolute), "a.html")+" would become "+filepath.Join(filepath.Dir(absolute), "a.pdf")+", and so does "+absolute+
		": use -o for one of them\nqueue: 0 of 1 files added\n", stderr.String())
	assert.Contains(t, string(q.jobs(t)[0].EncodedArgs), absolute)

	q.work(t, nil)
	q.converted(t, 1)
	assert.FileExists(t, "a.pdf")
	require.NoError(t, os.Remove("a.pdf"))
	q.add(t, "a.txt") // it may have changed since then
	q.converted(t, 2)
	assert.FileExists(t, "a.pdf")
	assert.Len(t, q.server.Jobs(), 2)
}

func TestOutputDirectory(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "")
	s := q.settings("add", q.write(t, "a.txt"))
	s.dir = filepath.Join(t.TempDir(), "new", "dir")
	require.NoError(t, add(t.Context(), s, &buffer{}))
	w := q.work(t, nil)
	q.converted(t, 1)
	require.NoError(t, w.end())
	assert.Equal(t, filepath.Join(s.dir, "a.pdf")+"\n", w.stdout.String())
	assert.FileExists(t, filepath.Join(s.dir, "a.pdf"))
	assert.Equal(t, "       0 waiting\n       0 converting\n       0 to be retried\n       1 converted\n       0 failed\n", q.status(t))
}

// TestLongConversion converts another file while a conversion runs, and continues when it
// has ended.
func TestLongConversion(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settings){
		"event socket": func(*settings) {},
		"webhook": func(s *settings) { // the port is free for a moment
			listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			s.listen = listener.Addr().String()
			require.NoError(t, listener.Close())
			s.webhook = "http://" + s.listen + "/secret"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(t, "")
			release := q.block(t, "long.txt", nil)
			q.add(t, q.write(t, "long.txt"), q.write(t, "short.txt"))
			q.work(t, func(s *settings) {
				s.pace.wait = 100 * time.Millisecond
				change(s)
			})
			q.converted(t, 1)
			assert.FileExists(t, filepath.Join(q.dir, "short.pdf"))
			assert.NoFileExists(t, filepath.Join(q.dir, "long.pdf"))
			eventually(t, func() bool { return len(q.jobs(t, rivertype.JobStateScheduled)) == 1 }, nil)
			assert.Equal(t, priorityBegun, q.jobs(t, rivertype.JobStateScheduled)[0].Priority)
			assert.Contains(t, q.status(t), "1 converting\n       0 to be retried\n       1 converted\n")
			release()
			q.converted(t, 2)
			assert.FileExists(t, filepath.Join(q.dir, "long.pdf"))
			assert.Len(t, q.server.Jobs(), 2)
		})
	}
}

// TestStop hands a running conversion to another process.
func TestStop(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "")
	release := q.block(t, "a.txt", nil)
	q.add(t, q.write(t, "a.txt"))
	first := q.work(t, nil)
	eventually(t, func() bool { return len(q.server.Jobs()) == 1 }, &first.stderr)
	begun := time.Now()
	require.NoError(t, first.end())
	assert.Less(t, time.Since(begun), 10*time.Second)
	jobs := q.jobs(t, rivertype.JobStateAvailable)
	require.Len(t, jobs, 1)
	assert.Zero(t, jobs[0].Attempt)

	q.work(t, nil)
	eventually(t, func() bool { return len(q.jobs(t, rivertype.JobStateRunning)) == 1 }, nil)
	release()
	q.converted(t, 1)
	assert.Len(t, q.server.Jobs(), 1)
	assert.Empty(t, q.jobs(t)[0].Errors)
	assert.FileExists(t, filepath.Join(q.dir, "a.pdf"))
}

// TestSlowAttempt continues a conversion whose attempt took too long.
func TestSlowAttempt(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "")
	release := q.block(t, "a.txt", nil)
	q.add(t, q.write(t, "a.txt"))
	w := q.work(t, func(s *settings) { s.pace.attempt = time.Second })
	eventually(t, func() bool { return len(q.jobs(t)[0].Errors) > 0 }, &w.stderr)
	release()
	q.converted(t, 1)
	assert.Contains(t, w.stderr.String(), "; to be retried\n")
	assert.Len(t, q.server.Jobs(), 1)
}

// TestFailedUpload continues the job that waits for the upload.
func TestFailedUpload(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "")
	path := q.write(t, "a.txt")
	require.NoError(t, os.Truncate(path, 1<<20)) // too large to be sent within the job
	q.add(t, path)
	q.server.Inject(cloudconverttest.Fault{Role: cloudconverttest.RoleStorage, Method: http.MethodPost, Status: http.StatusServiceUnavailable})
	w := q.work(t, nil)
	eventually(t, func() bool { return len(q.jobs(t)[0].Errors) > 0 }, &w.stderr)
	q.server.ClearFaults()
	eventually(t, func() bool { return len(q.jobs(t, rivertype.JobStateCompleted, rivertype.JobStateCancelled)) == 1 }, &w.stderr)
	assert.FileExists(t, filepath.Join(q.dir, "a.pdf"))
	assert.Len(t, q.server.Jobs(), 1)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(t *testing.T, q *queue, path string)
		want    string
		jobs    int
	}{
		"conversion": {func(t *testing.T, q *queue, _ string) {
			t.Helper()
			q.block(t, "a.txt", cloudconverttest.Fail("OPEN_FAILED", "the file is damaged"))()
		}, "the file is damaged", 1},
		"missing source": {func(t *testing.T, _ *queue, path string) {
			t.Helper()
			require.NoError(t, os.Remove(path))
		}, "a.txt: no such file", 0},
		"existing destination": {func(t *testing.T, q *queue, _ string) {
			t.Helper()
			q.write(t, "a.pdf")
		}, "a.pdf: file already exists", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(t, "")
			path := q.write(t, "a.txt")
			q.add(t, path)
			test.prepare(t, q, path)
			w := q.work(t, nil)
			eventually(t, func() bool { return len(q.jobs(t, rivertype.JobStateCancelled)) == 1 }, &w.stderr)
			assert.Contains(t, w.stderr.String(), test.want)
			assert.Contains(t, q.status(t), "1 failed\n"+path+": ")
			assert.Contains(t, q.status(t), test.want)
			assert.NotContains(t, q.status(t), "JobCancelError")
			assert.Len(t, q.server.Jobs(), test.jobs)
		})
	}
}

// TestFailureWhileSnoozed must not lead to a second job.
func TestFailureWhileSnoozed(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "")
	release := q.block(t, "a.txt", cloudconverttest.Fail("OPEN_FAILED", "the file is damaged"))
	q.add(t, q.write(t, "a.txt"))
	first := q.work(t, func(s *settings) { s.pace.wait = time.Millisecond })
	eventually(t, func() bool { return len(q.jobs(t, rivertype.JobStateScheduled)) == 1 }, &first.stderr)
	require.NoError(t, first.end())
	release()
	eventually(t, func() bool { return q.server.Jobs()[0].Status == "error" }, nil)
	_, err := q.client.JobRetry(t.Context(), q.jobs(t)[0].ID)
	require.NoError(t, err)

	second := q.work(t, nil)
	eventually(t, func() bool { return len(q.jobs(t, rivertype.JobStateCancelled)) == 1 }, &second.stderr)
	assert.Contains(t, q.status(t), "the file is damaged")
	assert.Len(t, q.server.Jobs(), 1)
}

// TestSourceIsNotNeededAfterUpload saves a result although its source is gone.
func TestSourceIsNotNeededAfterUpload(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "")
	release := q.block(t, "a.txt", nil)
	path := q.write(t, "a.txt")
	q.add(t, path)
	w := q.work(t, func(s *settings) { s.pace.wait = time.Millisecond })
	eventually(t, func() bool { return len(q.jobs(t, rivertype.JobStateScheduled)) == 1 }, &w.stderr)
	require.NoError(t, os.Remove(path))
	release()
	q.converted(t, 1)
	assert.FileExists(t, filepath.Join(q.dir, "a.pdf"))
}

func TestRefusedKeyEndsWork(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "")
	q.add(t, q.write(t, "a.txt"))
	q.server.RevokeKey(q.server.Key())
	w := q.work(t, nil)
	require.ErrorContains(t, w.wait(), "401")
	jobs := q.jobs(t, rivertype.JobStateAvailable)
	require.Len(t, jobs, 1)
	assert.Zero(t, jobs[0].Attempt)
}

func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	q := newQueue(t, "")
	q.add(t, q.write(t, "a.txt"))
	require.NoError(t, q.database.close())
	dir := filepath.Dir(q.file)
	require.NoError(t, os.Chmod(q.file, 0o400))
	require.NoError(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() {
		assert.NoError(t, os.Chmod(dir, 0o700))
	})
	w := q.work(t, nil)
	require.ErrorContains(t, w.wait(), "queue.db")
	require.ErrorContains(t, add(t.Context(), q.settings("add", q.write(t, "b.txt")), &buffer{}), "queue.db")
}

func TestKeysOfOthersWakeNothing(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "")
	q.add(t, q.write(t, "a.txt"))
	job := q.jobs(t)[0]
	q.exec(t, "UPDATE river_job SET state = 'scheduled'")
	w := waker{queue: q.client}
	for _, tag := range []string{"", "queue-", "queue-x", "queue-x-y", "queue-x-" + itoa(job.ID), "queue-x-" + itoa(job.ID+1), "invoice-42"} {
		require.NoError(t, w.wake(t.Context(), tag))
		assert.Len(t, q.jobs(t, rivertype.JobStateScheduled), 1, tag)
	}
}
