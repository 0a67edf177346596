package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// The environment of a child process.
const (
	takeoverAPI    = "TAKEOVER_API"
	takeoverSync   = "TAKEOVER_SYNC"
	takeoverKey    = "TAKEOVER_KEY"
	takeoverDir    = "TAKEOVER_DIR"
	takeoverCall   = "TAKEOVER_CALL"   // ConvertFile or RunAll
	takeoverSize   = "TAKEOVER_SIZE"   // inline or uploaded
	takeoverMoment = "TAKEOVER_MOMENT" // when the process is killed, "" for never
)

// takeoverMoments are when a process is killed. If its file is sent within the request
// that creates the job, that request is the upload.
var takeoverMoments = []string{
	"before the creation", "creation done", "half of the upload", "upload done", "waiting", "half of the download", "saved but not acknowledged",
}

// takeoverWorks is how many works a batch has. It is killed at a moment of the second.
const takeoverWorks = 3

// A process is killed at some moment, and another one continues under the same keys: in
// the end each work has one job, and one whole file.
func TestTakeoverAfterKill(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"ConvertFile", "RunAll"} {
		for _, size := range []string{"inline", "uploaded"} {
			for _, moment := range takeoverMoments {
				t.Run(call+"/"+size+"/"+moment, func(t *testing.T) {
					t.Parallel()
					server := testkit.NewSandbox(t, cloudconverttest.WithTaskDuration(20*time.Millisecond))
					dir, works := t.TempDir(), 1
					if call == "RunAll" {
						works = takeoverWorks
					}
					require.NoError(t, os.Mkdir(filepath.Join(dir, "out"), 0o700))
					for i := range works {
						testkit.WriteFile(t, filepath.Join(dir, fmt.Sprint(i, ".txt")), takeoverText(size, i))
					}
					assert.True(t, runTakeoverChild(t, server, dir, call, size, moment), "it was killed")
					// The requests of its other works may still be on their way.
					require.Eventually(t, func() bool { return server.Connections() == 0 }, time.Minute, time.Millisecond)
					assert.False(t, runTakeoverChild(t, server, dir, call, size, ""))
					written := slices.DeleteFunc(testkit.Listed(t, filepath.Join(dir, "out")), func(name string) bool { return strings.HasSuffix(name, ".part") })
					assert.Len(t, written, works)
					for i := range works {
						testkit.Same(t, "pdf: "+takeoverText(size, i), testkit.ReadFile(t, filepath.Join(dir, "out", fmt.Sprint(i, ".pdf"))))
					}
					assert.Equal(t, works, testkit.JobCount(server))
					for _, job := range server.Jobs() {
						assert.Equal(t, "finished", job.Status)
					}
				})
			}
		}
	}
}

// takeoverText returns the content of a file.
func takeoverText(size string, i int) string {
	if size == "inline" {
		return fmt.Sprint(i, testkit.Content(200<<10))
	}
	return fmt.Sprint(i, testkit.Content(600<<10))
}

// runTakeoverChild runs a child process to its end and reports whether it was killed.
func runTakeoverChild(t *testing.T, server *cloudconverttest.Server, dir, call, size, moment string) (killed bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTakeoverChild$")
	child.Env = append(os.Environ(),
		takeoverAPI+"="+server.URL, takeoverSync+"="+server.SyncURL, takeoverKey+"="+server.Key(), takeoverDir+"="+dir,
		takeoverCall+"="+call, takeoverSize+"="+size, takeoverMoment+"="+moment)
	output, err := child.CombinedOutput()
	if moment == "" {
		require.NoError(t, err, string(output))
	}
	exit, failed := errors.AsType[*exec.ExitError](err)
	if failed && runtime.GOOS != "windows" { // where a process that was killed has the code 1
		assert.Equal(t, -1, exit.ExitCode(), "it failed instead of being killed: %s", output)
	}
	return failed
}

// TestTakeoverChild is the child process of TestTakeoverAfterKill.
func TestTakeoverChild(t *testing.T) {
	t.Parallel()
	if os.Getenv(takeoverAPI) == "" {
		t.Skip("runs as a child of TestTakeoverAfterKill")
	}
	transport := &killer{Transport: &http.Transport{}, moment: os.Getenv(takeoverMoment)}
	if os.Getenv(takeoverCall) == "RunAll" {
		transport.spared.Store(1)
	}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := cloudconvert.NewClient(os.Getenv(takeoverKey),
		cloudconvert.WithBaseURLs(os.Getenv(takeoverAPI), os.Getenv(takeoverSync)),
		cloudconvert.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	transport.jobExists = func(ctx context.Context) bool {
		page, err := client.Jobs.List(ctx, cloudconvert.JobListOptions{})
		return err == nil && len(page.Data) > int(transport.spared.Load())
	}
	for err := range takeoverResults(t.Context(), client) {
		require.NoError(t, err)
		transport.at("saved but not acknowledged")
	}
}

// takeoverResults makes the call and yields the result of each work.
func takeoverResults(ctx context.Context, client *cloudconvert.Client) func(yield func(error) bool) {
	dir := os.Getenv(takeoverDir)
	src := func(i int) string { return filepath.Join(dir, fmt.Sprint(i, ".txt")) }
	dst := func(i int) string { return filepath.Join(dir, "out", fmt.Sprint(i, ".pdf")) }
	key := func(i int) cloudconvert.CreateOption { return cloudconvert.WithKey(fmt.Sprint("work-", i)) }
	return func(yield func(error) bool) {
		if os.Getenv(takeoverCall) == "ConvertFile" {
			_, err := client.ConvertFile(ctx, src(0), dst(0), key(0))
			yield(err)
			return
		}
		works := func(yield func(cloudconvert.Work) bool) {
			for i := range takeoverWorks {
				request := cloudconvert.Pipeline(cloudconvert.FromFile(src(i)), cloudconvert.Convert{OutputFormat: "pdf"})
				if !yield(cloudconvert.Work{Request: request, Destination: dst(i), Options: []cloudconvert.RunOption{key(i)}}) {
					return
				}
			}
		}
		for result := range client.RunAll(ctx, works) {
			if !yield(result.Err) {
				return
			}
		}
	}
}

// killer kills its process at a moment of a call.
type killer struct {
	*http.Transport

	moment    string
	spared    atomic.Int64 // how often the moment passes before
	jobExists func(context.Context) bool
}

// at kills the process if the moment has come.
func (k *killer) at(moment string) {
	if k.moment == moment && k.spared.Add(-1) < 0 {
		killSelf()
	}
}

// killSelf ends the process at once, without its deferred functions.
func killSelf() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {} // until it has happened
}

func (k *killer) RoundTrip(r *http.Request) (*http.Response, error) {
	creates := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/jobs")
	inline := creates && os.Getenv(takeoverSize) == "inline"
	uploads := r.Method == http.MethodPost && !creates || inline
	if creates {
		k.at("before the creation")
	}
	if uploads {
		r = r.Clone(r.Context())
		r.Body = &killingBody{ReadCloser: r.Body, left: r.ContentLength / 2, at: func() { k.at("half of the upload") }}
	}
	waits := inline || r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/jobs/")
	if waits && k.moment == "waiting" {
		go k.waiting(context.WithoutCancel(r.Context()))
	}
	response, err := k.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch {
	case creates:
		k.at("creation done")
		if inline {
			k.at("upload done")
		}
	case uploads:
		k.at("upload done")
	case strings.Contains(r.URL.Path, "/storage/"):
		response.Body = &killingBody{ReadCloser: response.Body, left: response.ContentLength / 2, at: func() { k.at("half of the download") }}
	}
	return response, nil
}

// waiting kills the process when the job that it waits for exists.
func (k *killer) waiting(ctx context.Context) {
	for !k.jobExists(ctx) { //nolint:revive // it asks the server until then
	}
	killSelf()
}

// killingBody calls at when some bytes of a body were read.
type killingBody struct {
	io.ReadCloser

	left int64
	at   func()
}

func (b *killingBody) Read(p []byte) (int, error) {
	if b.left > 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left > 0 {
		if b.left -= int64(n); b.left <= 0 {
			b.at()
		}
	}
	return n, err
}
