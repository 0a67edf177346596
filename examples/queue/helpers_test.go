package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// childVariable makes the test binary run the command.
const childVariable = "QUEUE_TEST_CHILD"

// postgresVariable has the URL of a PostgreSQL database for tests, whose user may create
// databases. Without it the tests use SQLite only.
const postgresVariable = "QUEUE_TEST_POSTGRES"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "CLOUDCONVERT_") || name == "DATABASE_URL" {
			if err := os.Unsetenv(name); err != nil {
				log.Fatal(err)
			}
		}
	}
	goleak.VerifyTestMain(m)
}

// child runs the command until it is stopped or its parent has gone.
func child() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	s, err := parse(os.Args[1:])
	if err != nil {
		log.Print(err)
		return exitUsage
	}
	s.pace.wait, s.pace.snooze = 200*time.Millisecond, 3*time.Second
	client, err := cloudconvert.NewClientFromEnv()
	if err != nil {
		log.Print(err)
		return exitFailed
	}
	if err := work(ctx, client, s, os.Stdout, os.Stderr); err != nil {
		log.Print(err)
		return exitFailed
	}
	return exitOK
}

// buffer is an output that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// process is a working child.
type process struct {
	cmd    *exec.Cmd
	id     string // of its client of River
	stderr *buffer
	ended  chan error
}

var working = regexp.MustCompile(`working on .* as (\S+)\n`)

// startWork starts a process that works on the queue.
func (q *queue) startWork(t *testing.T, args ...string) *process {
	t.Helper()
	executable, err := os.Executable()
	require.NoError(t, err)
	p := &process{stderr: &buffer{}, ended: make(chan error, 1)}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), executable, q.args(append([]string{"work"}, args...)...)...)
	p.cmd.Env = append(os.Environ(), childVariable+"=1")
	for _, variable := range q.environment {
		p.cmd.Env = append(p.cmd.Env, variable[0]+"="+variable[1])
	}
	p.cmd.Stdout, p.cmd.Stderr = io.Discard, p.stderr
	stdin, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = stdin.Close() // Wait closes it, too
		select {
		case <-p.ended:
		case <-time.After(time.Minute):
			assert.NoError(t, p.cmd.Process.Kill())
			assert.Fail(t, "a process does not end with its parent")
		}
		if t.Failed() {
			t.Log(p.id, p.stderr)
		}
	})
	eventually(t, func() bool {
		found := working.FindStringSubmatch(p.stderr.String())
		if found != nil {
			p.id = found[1]
		}
		return found != nil
	}, p.stderr)
	return p
}

// kill kills a process, and lets the time pass after which River knows that it is dead.
func (q *queue) kill(t *testing.T, p *process) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	err := <-p.ended
	p.ended <- err
	require.ErrorContains(t, err, "killed")
	list, err := q.client.JobList(t.Context(), river.NewJobListParams().States(rivertype.JobStateRunning).First(1000))
	require.NoError(t, err)
	n := 0
	for _, job := range list.Jobs {
		if job.AttemptedBy[len(job.AttemptedBy)-1] == p.id {
			q.exec(t, "UPDATE river_job SET attempted_at = '2020-01-01 00:00:00.000' WHERE id = "+itoa(job.ID))
			n++
		}
	}
	q.exec(t, "DELETE FROM river_leader WHERE leader_id = '"+p.id+"'")
	q.killed += n
	t.Logf("killed %s, which had %d files", p.id, n)
}

// queue is a queue for a test, with a fake service.
type queue struct {
	database    *database
	client      *river.Client[sqlTx]
	server      *cloudconverttest.Server
	dir, file   string
	killed      int // files that killed processes had
	environment [][2]string
}

// newQueue makes a queue in SQLite or, with a URL, in PostgreSQL.
func newQueue(t *testing.T, databaseURL string, options ...cloudconverttest.Option) *queue {
	t.Helper()
	server, err := cloudconverttest.Start(options...)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		content, err := os.ReadFile(run.Input().Path)
		if err != nil {
			return err
		}
		return run.Write(run.OutputName(run.Input()), append([]byte("PDF of "), content...))
	})
	q := &queue{server: server, dir: t.TempDir(), environment: [][2]string{
		{"CLOUDCONVERT_API_KEY", server.Key()},
		{"CLOUDCONVERT_API_URL", server.URL},
		{"CLOUDCONVERT_SYNC_URL", server.SyncURL},
		{"CLOUDCONVERT_EVENTS_URL", server.EventsURL},
	}}
	s := settings{url: databaseURL}
	if databaseURL != "" {
		q.environment = append(q.environment, [2]string{"DATABASE_URL", databaseURL})
	} else {
		q.file = filepath.Join(t.TempDir(), "queue.db")
		s.file = q.file
	}
	q.database, err = open(t.Context(), s, true)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, q.database.close()) })
	q.client, err = q.database.client(nil)
	require.NoError(t, err)
	return q
}

// args returns the arguments of a command with the queue.
func (q *queue) args(args ...string) []string {
	if q.file == "" {
		return args
	}
	return append([]string{"-queue", q.file}, args...)
}

// write writes a file to be converted, and returns its path.
func (q *queue) write(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(q.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(name), 0o600))
	return path
}

// add adds files as the command does.
func (q *queue) add(t *testing.T, paths ...string) {
	t.Helper()
	var stderr buffer
	require.NoError(t, add(t.Context(), q.settings("add", paths...), &stderr), &stderr)
}

// settings returns the settings of a command.
func (q *queue) settings(command string, sources ...string) settings {
	s := settings{command: command, file: q.file, events: q.server.EventsURL, to: "pdf", sources: sources}
	for _, variable := range q.environment {
		if variable[0] == "DATABASE_URL" {
			s.url = variable[1]
		}
	}
	return s
}

// jobs returns the queued jobs in some states, or in all.
func (q *queue) jobs(t *testing.T, states ...rivertype.JobState) []*rivertype.JobRow {
	t.Helper()
	list, err := q.client.JobList(t.Context(), river.NewJobListParams().States(states...).First(1000))
	require.NoError(t, err)
	return list.Jobs
}

func (q *queue) exec(t *testing.T, query string) {
	t.Helper()
	_, err := q.database.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

// converted waits until so many files are converted.
func (q *queue) converted(t *testing.T, n int) {
	t.Helper()
	eventually(t, func() bool { return len(q.jobs(t, rivertype.JobStateCompleted)) >= n }, nil)
}

// eventually waits until a condition holds.
func eventually(t *testing.T, condition func() bool, output *buffer) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for !condition() {
		select {
		case <-ticks.C:
		case <-deadline:
			require.FailNow(t, "it did not happen within two minutes", "%s", output)
		}
	}
}
