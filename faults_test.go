package cloudconvert_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// TestFaults makes sure that each call does with each fault what FAULTS.md
// says, if it strikes once and if it strikes again and again.
func TestFaults(t *testing.T) {
	t.Parallel()
	var rows, columns []string
	for _, f := range faults() {
		rows = append(rows, f.name)
	}
	for _, c := range faultCalls() {
		columns = append(columns, c.name)
	}
	for table, times := range map[string]int{"once": 1, "always": 0} {
		g := readGrid(t, table, rows, columns)
		for _, f := range faults() {
			for _, c := range faultCalls() {
				t.Run(f.name+"/"+c.name+"/"+table, func(t *testing.T) {
					t.Parallel()
					cell := faultCell{fault: f, call: c, times: times}
					undisturbed := cell.run(t, noStop)
					g.check(t, f.name, c.name, undisturbed.outcome)
					cell.runStopped(t, undisturbed)
				})
			}
		}
	}
}

// faultPatience is how long the context of a call lasts.
const faultPatience = 30 * time.Minute

// faultCell is a cell of the table.
type faultCell struct {
	fault fault
	call  faultCall
	times int
}

// A stop says when the context of a call ends.
type stop struct {
	moment  int           // of the network, from 1
	after   time.Duration // if it is cancelled at a time
	timeout time.Duration // if it has a deadline
}

var (
	noStop     stop
	beforehand = stop{moment: -1}
)

// ending is how a call ended.
type ending struct {
	outcome string
	moments int
	took    time.Duration
}

// runStopped makes the call again and again and ends its context at different moments.
func (c faultCell) runStopped(t *testing.T, undisturbed ending) {
	t.Helper()
	var stops []stop
	if c.times == 1 {
		stops = append(stops, beforehand)
		for i := range undisturbed.moments {
			// The first ones matter most, and the others look like them.
			if i < 3 || i == undisturbed.moments-1 {
				stops = append(stops, stop{moment: i + 1})
			}
		}
	}
	if undisturbed.took > 0 {
		stops = append(stops, stop{after: undisturbed.took / 2}, stop{timeout: undisturbed.took / 3})
	}
	for _, s := range stops {
		got := c.run(t, s)
		if got.outcome != contextEnded && s.timeout == 0 {
			assert.Equal(t, undisturbed.outcome, got.outcome, "stopped: %+v", s)
		}
	}
}

// world is a server and a client whose network can fail.
type world struct {
	server  *cloudconverttest.Server
	network *network
	client  *cloudconvert.Client
	log     *records
	secure  bool
	secrets []string
	text    string // what is uploaded and downloaded
	other   string // what may come instead, as nobody can tell
	untrue  bool   // that the call succeeded
}

func newWorld(t *testing.T, f fault) *world {
	t.Helper()
	server := newSandbox(t, cloudconverttest.WithInProcess(), cloudconverttest.WithTaskDuration(10*time.Second),
		cloudconverttest.WithDownloadExpiry(time.Hour))
	w := &world{server: server, network: newNetwork(server, f.secure), log: &records{}, secure: f.secure, secrets: []string{server.Key()}, text: fileText}
	w.connect(w.network.transport)
	return w
}

// connect makes the client.
func (w *world) connect(transport http.RoundTripper, opts ...cloudconvert.Option) {
	w.client = w.server.Client(append(opts, w.log.option(),
		cloudconvert.WithBaseURLs(w.address(w.server.URL), w.address(w.server.SyncURL)),
		cloudconvert.WithHTTPClient(&http.Client{Transport: transport}))...)
}

// address is what an address of the server is to the client.
func (w *world) address(plain string) string {
	if w.secure {
		return strings.Replace(plain, "http:", "https:", 1)
	}
	return plain
}

// use makes connections to all hosts.
func (w *world) use(t *testing.T) {
	t.Helper()
	job, err := w.client.Jobs.CreateAndWait(t.Context(), textJob())
	require.NoError(t, err)
	_, err = w.client.Jobs.Get(t.Context(), job.ID)
	require.NoError(t, err)
	body, err := w.client.Open(t.Context(), job.Files()[0])
	require.NoError(t, err)
	require.NoError(t, body.Close())
}

// run makes the call in a world of its own and checks what always holds.
func (c faultCell) run(t *testing.T, s stop) (got ending) {
	t.Helper()
	var skipped bool // a skip ends only the bubble
	synctest.Test(t, func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		w := newWorld(t, c.fault)
		call, check := c.call.prepare(t, w)
		if c.fault.used {
			w.use(t)
		}
		w.log.Reset()
		before := w.made()
		c.fault.strike(w, c.times)

		ctx, stopped := s.arm(t, w, cmp.Or(s.timeout, c.call.patience, faultPatience))
		start := time.Now()
		err := call(ctx)
		got.took = time.Since(start)
		if at := stopped.Load(); at != nil {
			assert.Equal(t, *at, time.Now(), "it ends at once")
		}
		deadline, _ := ctx.Deadline()
		assert.False(t, time.Now().After(deadline), "it ends within its context")
		got.moments, _ = w.network.seen()

		check(t, err)
		got.outcome = c.outcome(w, err)
		c.checkMade(t, before, w.made(), err)
		if s == beforehand {
			assert.Equal(t, before.requests, w.made().requests, "nothing is sent")
		}
		w.keptSecrets(t, err)
		time.Sleep(time.Second) //nolint:forbidigo // the clock of the bubble: net/http may read on in a body after Close
		w.network.transport.CloseIdleConnections()
		synctest.Wait()
		assert.Zero(t, w.network.connections(), "no connection is left")
	})
	if skipped {
		t.SkipNow()
	}
	return got
}

// arm returns a context that ends as the stop says, and when it was cancelled.
func (s stop) arm(t *testing.T, w *world, timeout time.Duration) (context.Context, *atomic.Pointer[time.Time]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	stopped := new(atomic.Pointer[time.Time])
	end := func() {
		stopped.Store(new(time.Now()))
		cancel()
	}
	w.network.watch(s.moment, end)
	switch {
	case s == beforehand:
		end()
	case s.after > 0:
		timer := time.AfterFunc(s.after, end)
		t.Cleanup(func() { timer.Stop() })
	}
	return ctx, stopped
}

// made is what there is at the server.
type made struct{ jobs, tasks, requests int }

func (w *world) made() made {
	return made{jobCount(w.server), len(w.server.Tasks()), len(w.server.Requests())}
}

// checkMade checks that the call has made no more than it may, and tells of it.
func (c faultCell) checkMade(t *testing.T, before, after made, err error) {
	t.Helper()
	jobs, tasks := after.jobs-before.jobs, after.tasks-before.tasks
	assert.LessOrEqual(t, jobs, c.call.jobs, "no second job")
	assert.LessOrEqual(t, tasks, c.call.tasks, "no second task")
	if err != nil && max(jobs, tasks) > 0 {
		assert.True(t, errors.Is(err, cloudconvert.ErrOutcomeUnknown) || isWaitError(err), "what was created is not forgotten: %v", err)
	}
}

func isWaitError(err error) bool {
	_, ok := errors.AsType[*cloudconvert.WaitError](err)
	return ok
}

// keptSecrets checks that neither the error nor the log tells a secret.
func (w *world) keptSecrets(t *testing.T, err error) {
	t.Helper()
	told := fmt.Sprintf("%v\n%+v\n%s", err, err, w.log.String())
	for _, secret := range w.secrets {
		require.NotEmpty(t, secret)
		assert.NotContains(t, told, secret)
	}
	if err != nil {
		assert.NotContains(t, fmt.Sprintf("%#v", err), w.server.Key())
	}
}

// contextEnded is the outcome of a call whose context ended.
const contextEnded = "the context's error"

// outcome says what the caller gets, in the words of the table.
func (c faultCell) outcome(w *world, err error) string {
	if errors.Is(err, context.Canceled) {
		return contextEnded
	}
	words := []string{c.call.result}
	if err != nil {
		words[0] = reason(err)
	}
	if w.untrue {
		words[0] = "success, which is not true"
	}
	if strings.Contains(w.log.String(), "the answer was lost, but the job was created") {
		words = append(words, "found by its tag")
	}
	if times := w.sent(c.call.method, err); times > 1 {
		words = append(words, fmt.Sprintf("sent %d times", times))
	}
	if cloudconvert.IsRetryable(err) {
		words = append(words, "retryable")
	}
	return strings.Join(words, ", ")
}

// sent counts the requests of a call.
func (w *world) sent(method string, err error) int {
	requests, attempts := 0, 0
	for line := range strings.Lines(w.log.String()) {
		var record struct {
			Msg     string `json:"msg"`
			Method  string `json:"method"`
			Attempt int    `json:"attempt"`
		}
		if json.Unmarshal([]byte(line), &record) != nil || record.Method != method {
			continue
		}
		switch record.Msg {
		case "cloudconvert: request", "cloudconvert: upload":
			requests++
		case "cloudconvert: download":
			attempts = max(attempts, record.Attempt)
		}
	}
	if e, ok := errors.AsType[*cloudconvert.Error](err); ok && e.Method == method {
		attempts = max(attempts, e.Attempts)
	}
	return max(requests, attempts)
}

// reason names an error.
func reason(err error) string {
	sentinels := []struct {
		error

		name string
	}{
		{cloudconvert.ErrOutcomeUnknown, "ErrOutcomeUnknown"},
		{cloudconvert.ErrRateLimited, "ErrRateLimited"},
		{cloudconvert.ErrForbidden, "ErrForbidden"},
		{cloudconvert.ErrNotFound, "ErrNotFound"},
		{cloudconvert.ErrServer, "ErrServer"},
		{cloudconvert.ErrInvalid, "ErrInvalid"},
		{fs.ErrExist, "fs.ErrExist"},
		{fs.ErrNotExist, "fs.ErrNotExist"},
		{errNoSpace, "syscall.ENOSPC"},
	}
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel.error) {
			return "`" + sentinel.name + "`"
		}
	}
	if isWaitError(err) {
		return "`WaitError` when the context ends"
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return contextEnded
	}
	return "`Error`: " + cause(err)
}

// cause tells why there is no answer, or none that can be used.
func cause(err error) string {
	e, ok := errors.AsType[*cloudconvert.Error](err)
	if !ok {
		return err.Error()
	}
	text := err.Error()
	for _, known := range [][2]string{
		{"changed while it was downloaded", "the file changed"},
		{"without a strong entity tag", "the rest cannot be told from another file"},
		{"file ended after", "wrong length"},
		{"bytes announced", "wrong length"},
		{"should have", "wrong length"},
		{"connection refused", "refused"},
		{"certificate", "certificate"},
		{"does not look like a TLS handshake", "no TLS"},
		{"HTTP response to HTTPS client", "no TLS"},
		{"EOF", "connection lost"},
		{errConnReset.Error(), "connection lost"},
		{io.ErrClosedPipe.Error(), "connection lost"},
		{"no answer in time", "no answer in time"},
		{"no byte moved", "stalled"},
		{"unexpected end of JSON", "no JSON"},
		{"invalid character", "no JSON"},
		{"page of HTML", "page of HTML"},
	} {
		if strings.Contains(text, known[0]) {
			return known[1]
		}
	}
	if e.StatusCode >= http.StatusMultipleChoices {
		return strconv.Itoa(e.StatusCode)
	}
	return text
}
