package acceptance_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// TestFaults compares each call under each fault with docs/faults.md: faults that
// strike once and every time, over each protocol.
func TestFaults(t *testing.T) {
	t.Parallel()
	testFaults(t, "once", commonFaults(), faultProtocols, 1)
	testFaults(t, "always", commonFaults(), faultProtocols, 0)
	testFaults(t, "once over HTTP/2", http2Faults(), faultProtocols[1:], 1)
	testFaults(t, "always over HTTP/2", http2Faults(), faultProtocols[1:], 0)
}

// testFaults tests a table. Faults of the same name share a row, as they must have the same outcome.
func testFaults(t *testing.T, table string, faults []fault, overs []protocol, times int) {
	t.Helper()
	var rows, columns []string
	for _, f := range faults {
		rows = append(rows, f.name)
	}
	for _, c := range faultCalls() {
		columns = append(columns, c.name)
	}
	g := readGrid(t, table, overs, slices.Compact(rows), columns)
	for _, f := range faults {
		for _, c := range faultCalls() {
			for _, p := range overs {
				if f.variant != "" && !p.wrapped {
					continue // the first of the row shows what differs
				}
				if testing.Short() && p.wrapped {
					continue // most of it is like HTTP/2
				}
				t.Run(f.name+f.variant+"/"+c.name+"/"+table+"/"+p.name, func(t *testing.T) {
					t.Parallel()
					cell := faultCell{fault: f, call: c, protocol: p, times: times}
					undisturbed := cell.run(t, noStop)
					g.check(t, f.name, c.name, p, undisturbed.outcome)
					cell.runStopped(t, undisturbed)
				})
			}
		}
	}
}

// A protocol is what the client and the server speak, and so how the client
// reaches its transport: each cell is tested over each of them.
type protocol struct {
	name    string
	http2   bool
	wrapped bool // the transport is behind another [http.RoundTripper], so that the client cannot copy it
}

var faultProtocols = []protocol{
	{name: "HTTP/1.1"},
	{name: "HTTP/2", http2: true},
	{name: "wrapped", http2: true, wrapped: true},
}

// faultPatience is how long the context of a call lasts.
const faultPatience = 30 * time.Minute

// faultCell is a cell of the table.
type faultCell struct {
	fault    fault
	call     faultCall
	protocol protocol
	times    int
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

// runStopped repeats the call and ends its context at different moments.
func (c faultCell) runStopped(t *testing.T, undisturbed ending) {
	t.Helper()
	for _, s := range c.stops(undisturbed) {
		got := c.run(t, s)
		if got.outcome != contextEnded && s.timeout == 0 {
			assert.Equal(t, undisturbed.outcome, got.outcome, "stopped: %+v", s)
		}
	}
}

// stops returns when to end the context. The first moments matter most, and
// those between them and the last one look like them. What HTTP/1.1 shows of a
// context is not shown again over HTTP/2.
func (c faultCell) stops(undisturbed ending) []stop {
	var stops []stop
	switch {
	case c.protocol.wrapped, c.protocol.http2 && c.times != 1:
		return nil // the others in the table show it
	case c.times != 1:
	case c.protocol.http2:
		stops = append(stops, stop{moment: 2}, stop{moment: undisturbed.moments})
	default:
		stops = append(stops, beforehand)
		for i := range undisturbed.moments {
			if i < 3 || i == undisturbed.moments-1 {
				stops = append(stops, stop{moment: i + 1})
			}
		}
	}
	if undisturbed.took > 0 {
		stops = append(stops, stop{after: undisturbed.took / 2})
		if !c.protocol.http2 {
			stops = append(stops, stop{timeout: undisturbed.took / 3})
		}
	}
	if testing.Short() && len(stops) > 0 {
		one := len(c.fault.name+c.call.name) % len(stops) // other cells have others
		stops = stops[one : one+1]
	}
	return stops
}

// world is a server and a client whose network can fail.
type world struct {
	server  *cloudconverttest.Server
	network *network
	client  *cloudconvert.Client
	log     *testkit.Log
	wrapped bool
	secrets []string
	text    string // what is uploaded and downloaded
	other   string // what may come instead, because it cannot be distinguished
	untrue  bool   // that the call succeeded
	strike  func() // lets the fault strike, once
}

func newWorld(t *testing.T, f fault, p protocol) *world {
	t.Helper()
	secure := f.secure || p.http2
	opts := []cloudconverttest.Option{
		cloudconverttest.WithInProcess(), cloudconverttest.WithTaskDuration(10 * time.Second), cloudconverttest.WithDownloadExpiry(time.Hour),
	}
	if secure {
		opts = append(opts, cloudconverttest.WithHTTP2())
	}
	server := testkit.NewSandbox(t, opts...)
	w := &world{
		server: server, network: newNetwork(server, secure, p.http2), log: &testkit.Log{}, wrapped: p.wrapped,
		secrets: []string{server.Key()}, text: fileText,
	}
	if w.wrapped {
		// As the documentation of WithHTTPClient has it.
		w.network.transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second}
	}
	w.connect(nil)
	return w
}

// connect makes the client. Its requests pass through a function if one is given.
func (w *world) connect(through func(*http.Request) (*http.Response, error), opts ...cloudconvert.Option) {
	var transport http.RoundTripper = w.network.transport
	switch {
	case through != nil:
		transport = testkit.Reply(through)
	case w.wrapped:
		transport = testkit.Reply(w.network.transport.RoundTrip)
	}
	w.client = w.server.Client(append(opts, w.log.Option(), cloudconvert.WithHTTPClient(&http.Client{Transport: transport}))...)
}

// use makes connections to all hosts.
func (w *world) use(t *testing.T) {
	t.Helper()
	job, err := w.client.Run(t.Context(), testkit.TextJob())
	require.NoError(t, err)
	_, err = w.client.Jobs.Get(t.Context(), job.ID)
	require.NoError(t, err)
	body, err := w.client.Open(t.Context(), job.Files()[0])
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, body)
	require.NoError(t, errors.Join(err, body.Close()))
}

// run makes the call in a new world and checks what always holds.
func (c faultCell) run(t *testing.T, s stop) (got ending) {
	t.Helper()
	var skipped bool // a skip ends only the bubble
	synctest.Test(t, func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		w := newWorld(t, c.fault, c.protocol)
		call, check := c.call.prepare(t, w)
		if c.fault.prepare != nil {
			c.fault.prepare(w)
		}
		if c.fault.used {
			w.use(t)
		}
		w.log.Reset()
		before := w.made()
		w.strike = sync.OnceFunc(func() { c.fault.strike(w, c.times) })
		if !c.call.late {
			w.strike()
		}

		ctx, stopped := s.arm(t, w, cmp.Or(s.timeout, c.call.patience, faultPatience))
		start := time.Now()
		err := call(ctx)
		got.took = time.Since(start)
		if at := stopped.Load(); at != nil {
			assert.Equal(t, *at, time.Now(), "it ends at once")
		}
		deadline, _ := ctx.Deadline()
		assert.False(t, time.Now().After(deadline), "it ends within its context")
		wire := w.network.seen()
		got.moments = wire.moments

		check(t, err)
		got.outcome = c.outcome(w, err)
		c.checkMade(t, before, w.made(), err)
		if s == beforehand {
			assert.Equal(t, before.requests, w.made().requests, "nothing is sent")
		}
		c.checkWire(t, w, wire.requests, err, s == noStop)
		w.keptSecrets(t, err)
		time.Sleep(2 * idleTimeout) //nolint:forbidigo // the clock of the bubble: unused connections are closed then
		synctest.Wait()
		assert.Zero(t, w.network.end(), "no connection is left")
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
	return made{testkit.JobCount(w.server), len(w.server.Tasks()), len(w.server.Requests())}
}

// checkMade checks that the call has made no more than it may, and says so.
func (c faultCell) checkMade(t *testing.T, before, after made, err error) {
	t.Helper()
	jobs, tasks := after.jobs-before.jobs, after.tasks-before.tasks
	assert.LessOrEqual(t, jobs, c.call.jobs, "no second job")
	assert.LessOrEqual(t, tasks, c.call.tasks, "no second task")
	if err != nil && max(jobs, tasks) > 0 {
		assert.True(t, errors.Is(err, cloudconvert.ErrOutcomeUnknown) || isWaitError(err), "what was created is not forgotten: %v", err)
	}
}

// checkWire checks that each attempt was one request on the wire, or none if
// it was cut short or nothing of it passes.
func (c faultCell) checkWire(t *testing.T, w *world, sent int, err error, undisturbed bool) {
	t.Helper()
	requests, downloads := w.attempts(everyMethod, err)
	if undisturbed && !c.fault.unsent {
		assert.Equal(t, requests+downloads, sent, "each attempt is one request on the wire")
		return
	}
	assert.LessOrEqual(t, sent, requests+downloads, "no attempt is more than one request on the wire")
}

func isWaitError(err error) bool {
	_, ok := errors.AsType[*cloudconvert.WaitError](err)
	return ok
}

// keptSecrets checks that neither the error nor the log has a secret.
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
		words[0] = "false success"
	}
	if strings.Contains(w.log.String(), "the response was lost, but the job was created") {
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

// everyMethod stands for all methods.
const everyMethod = "*"

// attempts counts the attempts by a method that the log and the error speak
// of. One download is all that a call makes.
func (w *world) attempts(method string, err error) (requests, downloads int) {
	for line := range strings.Lines(w.log.String()) {
		var record struct {
			Msg     string `json:"msg"`
			Method  string `json:"method"`
			Attempt int    `json:"attempt"`
		}
		if json.Unmarshal([]byte(line), &record) != nil || method != everyMethod && record.Method != method {
			continue
		}
		switch record.Msg {
		case "cloudconvert: request", "cloudconvert: upload":
			requests++
		case "cloudconvert: download", "cloudconvert: resuming download":
			downloads = max(downloads, record.Attempt)
		}
	}
	if e, ok := errors.AsType[*cloudconvert.Error](err); ok && method != "" && e.Method == http.MethodGet && !strings.HasPrefix(e.Path, "/") {
		downloads = max(downloads, e.Attempts)
	}
	return requests, downloads
}

// sent counts the attempts of the call itself.
func (w *world) sent(method string, err error) int { return max(w.attempts(method, err)) }

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
		{testkit.ErrNoSpace, "syscall.ENOSPC"},
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

// cause returns why there is no usable response.
func cause(err error) string {
	e, ok := errors.AsType[*cloudconvert.Error](err)
	if !ok {
		return err.Error()
	}
	text := err.Error()
	for _, known := range [][2]string{
		{"changed while it was downloaded", "the file changed"},
		{"without a strong entity tag", "no entity tag to resume by"},
		{"file ended after", "wrong length"},
		{"longer than the announced", "wrong length"},
		{"should have", "wrong length"},
		{"connection refused", "refused"},
		{"certificate", "certificate"},
		{"does not look like a TLS handshake", "no TLS"},
		{"HTTP response to HTTPS client", "no TLS"},
		{"EOF", "connection lost"},
		{testkit.ErrConnReset.Error(), "connection lost"},
		{io.ErrClosedPipe.Error(), "connection lost"},
		{net.ErrClosed.Error(), "connection lost"},
		{"stream error", "stream reset"},
		{"GOAWAY", "server going away"},
		{"no response in time", "no response in time"},
		{"TLS handshake timeout", "no connection in time"},
		{"no byte moved", "stalled"},
		{"unexpected end of JSON", "not JSON"},
		{"invalid character", "not JSON"},
		{"HTML page", "HTML page"},
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
