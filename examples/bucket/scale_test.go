package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// childVariable makes the test binary the command.
const childVariable = "BUCKET_TEST_CHILD"

// child runs the command, and prints its peak memory when it ends by itself.
func child() {
	ctx, stop := interruptible()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	status, _ := os.ReadFile("/proc/self/status") // empty on other systems than Linux
	fmt.Fprintf(os.Stderr, "%s\n", peak.Find(status))
	os.Exit(code)
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// place is a fake S3 and a fake CloudConvert for other processes.
type place struct {
	*world
	env []string
}

func newPlace(t *testing.T, objects int) *place {
	t.Helper()
	w := newWorld(t, cloudconverttest.WithRequestLog(0))
	for i := range objects {
		w.s3.put("in", fmt.Sprintf("docs/%04d/document-%d.docx", i/100, i), fmt.Sprint("document ", i), day)
	}
	storage := httptest.NewServer(w.s3)
	t.Cleanup(storage.Close)
	credentials := filepath.Join(t.TempDir(), "credentials")
	require.NoError(t, os.WriteFile(credentials, []byte(
		"[default]\naws_access_key_id = LISTER\naws_secret_access_key = lister-secret\n"+
			"[service]\naws_access_key_id = SERVICE\naws_secret_access_key = service-secret\n"), 0o600))
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "CLOUDCONVERT_")
	})
	return &place{w, append(env, childVariable+"=1",
		"GOGC=25", // so that the peak is close to what is kept: the heap is 3 MiB
		"AWS_SHARED_CREDENTIALS_FILE="+credentials, "AWS_CONFIG_FILE="+os.DevNull, "AWS_REGION=eu-central-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL_S3="+storage.URL,
		"CLOUDCONVERT_API_KEY="+w.server.Key(), "CLOUDCONVERT_API_URL="+w.server.URL,
		"CLOUDCONVERT_SYNC_URL="+w.server.SyncURL, "CLOUDCONVERT_EVENTS_URL="+w.server.EventsURL)}
}

// stored returns how many results there are.
func (p *place) stored() int { return len(p.s3.list("out")) }

// start starts the command.
func (p *place) start(t *testing.T) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), os.Args[0],
		"-to=pdf", "-service-profile=service", "-concurrency=16", "-fresh", "s3://in/docs", "s3://out/pdfs")
	command.Env, command.Stderr = p.env, &stderr
	require.NoError(t, command.Start())
	return command, &stderr
}

// finish runs the command to its end and returns its peak memory in bytes, or 0 if it is
// not known.
func (p *place) finish(t *testing.T) int {
	t.Helper()
	command, stderr := p.start(t)
	require.NoError(t, command.Wait(), "%s", stderr)
	found := peak.FindSubmatch(stderr.Bytes())
	if found == nil {
		return 0
	}
	kib, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return kib << 10
}

// interrupt runs the command until there are so many results, and ends it.
func (p *place) interrupt(t *testing.T, results int, how os.Signal) {
	t.Helper()
	command, stderr := p.start(t)
	require.Eventually(t, func() bool { return p.stored() >= results }, 2*time.Minute, time.Millisecond)
	require.NoError(t, command.Process.Signal(how))
	require.Error(t, command.Wait(), "%s", stderr)
	// The next run does not wait for requests of this one that are still on their way.
	require.Eventually(t, func() bool { return p.server.Connections() == 0 }, time.Minute, time.Millisecond)
}

// Of two runs, one converts a tenth of the objects. The other one continues after two that
// were interrupted.
func TestManyObjectsInterruptedTwice(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals to interrupt a process with")
	}
	objects := 10_000
	if raceDetector {
		objects = 1000
	}
	p := newPlace(t, objects)
	p.interrupt(t, objects/30, os.Interrupt)
	p.interrupt(t, objects/10, syscall.SIGKILL)
	require.Less(t, p.stored(), objects)
	large := p.finish(t)

	jobs := map[string]int{} // by key
	for _, job := range p.server.Jobs() {
		jobs[job.Tag]++
	}
	puts := p.puts()
	for what, counts := range map[string]map[string]int{"jobs": jobs, "puts": puts} {
		assert.Len(t, counts, objects, what)
		for key, n := range counts {
			require.Equal(t, 1, n, "%s of %s", what, key)
		}
	}

	few := newPlace(t, objects/10)
	small := few.finish(t)
	assert.Equal(t, objects/10, few.stored())
	if raceDetector || large == 0 {
		t.Log("the memory is compared on Linux only, without the race detector")
		return
	}
	t.Logf("peak: %.1f MiB at %d objects, %.1f MiB at %d", float64(small)/(1<<20), objects/10, float64(large)/(1<<20), objects)
	assert.Less(t, large-small, 5<<20, "memory grows with the number of objects")
}
