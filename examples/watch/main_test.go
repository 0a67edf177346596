package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/events"
)

func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "CLOUDCONVERT_") {
			if err := os.Unsetenv(name); err != nil {
				os.Exit(1)
			}
		}
	}
	goleak.VerifyTestMain(m)
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

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args, want string
		code       int
	}{
		{"-fast", "-fast", exitUsage},
		{"-length -5s", "-length -5s", exitUsage},
		{"a b", "a single job", exitUsage},
		{"-account a", "a single job", exitUsage},
		{"a", "CLOUDCONVERT_API_KEY", exitUsage},
		{"-help", "watch [flags] -account", exitOK},
	} {
		var stdout, stderr buffer
		assert.Equal(t, test.code, run(t.Context(), strings.Fields(test.args), &stdout, &stderr), test.args)
		assert.Contains(t, stderr.String(), test.want)
		assert.Empty(t, stdout.String())
	}
}

func TestWithoutKey(t *testing.T) {
	t.Parallel()
	var stdout, stderr buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-length", "100ms"}, &stdout, &stderr), stderr.String())
	assert.Contains(t, stderr.String(), "local sandbox")
	for _, line := range []string{"import-raw           finished", "convert              finished", "export-url           finished"} {
		assert.Equal(t, 1, strings.Count(stdout.String(), line), stdout.String())
	}
	assert.NotContains(t, stdout.String(), "\x1b")

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var account buffer
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"-account", "-length", "100ms"}, &account, &stderr) }()
	require.Eventually(t, func() bool {
		return strings.Contains(account.String(), "export-url           finished")
	}, time.Minute, time.Millisecond)
	cancel()
	assert.Equal(t, exitOK, <-code)
}

// full is an output whose writes fail.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-length 1h", "-length 1ms", "-account -length 1h"} {
		var stderr buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		assert.Equal(t, exitFailed, run(ctx, strings.Fields(args), full{}, &stderr), args)
		require.NoError(t, ctx.Err(), args)
		assert.True(t, strings.HasSuffix(stderr.String(), "following a job of a local sandbox.\nwatch: no space left\n"), stderr.String())
		cancel()
	}
}

func TestWithVariablesOfSandbox(t *testing.T) {
	server := cloudconverttest.NewServer()
	defer server.Close()
	t.Setenv("CLOUDCONVERT_API_KEY", server.Key())
	t.Setenv("CLOUDCONVERT_API_URL", server.URL)
	t.Setenv("CLOUDCONVERT_SYNC_URL", server.SyncURL)
	t.Setenv("CLOUDCONVERT_EVENTS_URL", server.EventsURL)
	// An unknown job may be refused before the subscription is closed.
	job, err := server.Client().Jobs.Create(t.Context(), cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.ExportURL{}))
	require.NoError(t, err)
	var stderr buffer
	place, err := connect(t.Context(), settings{job: job.ID}, &stderr)
	require.NoError(t, err)
	defer place.close()
	subscription, err := place.listener.Subscribe(t.Context(), events.JobTasks(place.job))
	require.NoError(t, err)
	subscription.Close()
	assert.Equal(t, job.ID, place.job)
	assert.Empty(t, stderr.String())
}

// followed follows a job in a bubble, with a handler for its conversion, and returns the
// output.
func followed(
	t *testing.T, terminal bool, set func(*cloudconverttest.Server), handler cloudconverttest.Handler,
) (shown, complained string, result error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		server := cloudconverttest.NewServer(cloudconverttest.WithInProcess())
		defer server.Close()
		server.HandleConvert("txt", "pdf", handler)
		set(server)
		client := server.Client()
		listener, err := events.New(client, events.WithURL(server.EventsURL))
		require.NoError(t, err)
		defer listener.Close()
		var stdout, stderr buffer
		f := &follower{client: client, listener: listener, screen: newScreen(&stdout, nil), stderr: &stderr}
		f.screen.terminal, f.screen.width = terminal, func() int { return 30 }
		job, err := client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
			"in":  cloudconvert.ImportRaw{File: "text", Filename: "a.txt"},
			"pdf": cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "pdf"},
		}})
		require.NoError(t, err)
		result = f.job(t.Context(), job.ID)
		shown, complained = stdout.String(), stderr.String()
	})
	return shown, complained, result
}

// halves is a conversion with two steps of a minute.
func halves(_ context.Context, run *cloudconverttest.Run) error {
	for _, percent := range []int{0, 50} {
		run.SetPercent(percent)
		<-time.After(time.Minute)
	}
	return run.Write("a.pdf", []byte("%PDF"))
}

func nothingSpecial(*cloudconverttest.Server) {}

func TestFollowJob(t *testing.T) {
	t.Parallel()
	shown, complained, err := followed(t, false, nothingSpecial, halves)
	require.NoError(t, err)
	assert.Empty(t, complained)
	assert.Contains(t, shown, "pdf                  processing   0 %\npdf                  processing  50 %\npdf                  finished\n")

	shown, _, err = followed(t, true, nothingSpecial, halves)
	require.NoError(t, err)
	assert.Contains(t, shown, "pdf                  processi\n\x1b[1A\x1b[J", "lines are cut and overwritten")
	assert.True(t, strings.HasSuffix(shown, "\x1b[1A\x1b[Jpdf                  finished\n"), "%q", shown)
}

func TestFollowFailingJob(t *testing.T) {
	t.Parallel()
	shown, _, err := followed(t, false, nothingSpecial, func(context.Context, *cloudconverttest.Run) error {
		<-time.After(time.Minute)
		return cloudconverttest.Fail("OPEN_FAILED", "no \x1b[2J document")
	})
	require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	assert.Contains(t, shown, `pdf                  error      no \x1b[2J document`+"\n")
}

func TestFollowJobWithoutEvents(t *testing.T) {
	t.Parallel()
	shown, complained, err := followed(t, false, func(server *cloudconverttest.Server) {
		server.Events().SetFaults(cloudconverttest.EventFaults{Join: func(string) int { return 403 }})
	}, halves)
	require.NoError(t, err)
	assert.Contains(t, complained, "403")
	assert.Contains(t, shown, "pdf                  finished\n")

	shown, _, err = followed(t, false, func(server *cloudconverttest.Server) {
		time.AfterFunc(30*time.Second, server.Events().Cut)
		time.AfterFunc(90*time.Second, server.Events().Cut)
		server.Events().SetFaults(cloudconverttest.EventFaults{Silent: true})
	}, halves)
	require.NoError(t, err)
	assert.Contains(t, shown, "processing  50 %\n", "the tasks are requested after a reconnect")
	assert.Contains(t, shown, "pdf                  finished\n")
}

func TestExplain(t *testing.T) {
	t.Parallel()
	unavailable := cloudconverttest.Fault{Role: cloudconverttest.RoleEvents, Status: http.StatusServiceUnavailable, Times: 10}
	for name, test := range map[string]struct {
		set  func(*cloudconverttest.Server)
		want string
	}{
		"all is well": {nothingSpecial, ""},
		"no response": {func(server *cloudconverttest.Server) {
			server.Events().SetFaults(cloudconverttest.EventFaults{ConnectDelay: 5 * time.Second})
		}, "watch: no connection to the event socket: it does not respond\n"},
		"unavailable": {func(server *cloudconverttest.Server) { server.Inject(unavailable) }, "503"},
		"later": {func(server *cloudconverttest.Server) {
			// Not at the moment of a check, which could see the disconnect before its
			// reason.
			time.AfterFunc(15*patience-time.Second, func() {
				server.Inject(unavailable)
				server.Events().Cut()
			})
		}, "503"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, complained, err := followed(t, false, test.set, halves)
			require.NoError(t, err)
			assert.Contains(t, complained, test.want)
			assert.LessOrEqual(t, strings.Count(complained, "\n"), min(len(test.want), 1), complained)
		})
	}
}

func TestEndedTaskDoesNotChange(t *testing.T) {
	t.Parallel()
	var out buffer
	s := newScreen(&out, nil)
	s.show(cloudconvert.Task{ID: "a", Name: "a", Status: cloudconvert.StatusFinished})
	s.show(cloudconvert.Task{ID: "a", Name: "a", Status: cloudconvert.StatusProcessing, Percent: 50})
	s.show(cloudconvert.Task{ID: "b", Operation: "convert", Status: cloudconvert.StatusWaiting})
	s.show(cloudconvert.Task{ID: "b", Operation: "convert", Status: cloudconvert.StatusWaiting})
	assert.Equal(t, "a                    finished\nconvert              waiting\n", out.String())
	assert.Equal(t, []string{"b"}, s.open())
}
