//go:build interop && unix

package events_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
)

// These tests use the real socket.io, so that this package and its test server cannot
// share a mistake:
//
//	(cd testdata/interop && npm ci) && go test -tags interop -run Interop ./events

// note is a line of the server's output.
type note struct {
	What    string `json:"what"`
	Port    int    `json:"port"`
	Channel string `json:"channel"`
	Reason  string `json:"reason"`
}

// node is a server in a separate process.
type node struct {
	t        *testing.T
	port     int
	process  *exec.Cmd
	commands io.Writer
	notes    chan note
	stop     func()
}

// patient is a ping timeout for a client that reads thousands of events on a busy
// machine.
const patient = 20 * time.Second

// startNode starts a server on a port, 0 for a free one. patience is its ping timeout.
func startNode(t *testing.T, port int, patience time.Duration) *node {
	t.Helper()
	script := cmp.Or(os.Getenv("INTEROP_SERVER"), "../testdata/interop/server.mjs")
	process := exec.CommandContext(t.Context(), "node", script, strconv.Itoa(port), strconv.FormatInt(patience.Milliseconds(), 10))
	process.Stderr = os.Stderr
	commands, err := process.StdinPipe()
	require.NoError(t, err)
	output, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	n := &node{t: t, process: process, commands: commands, notes: make(chan note, 1000)}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(output); lines.Scan(); {
			var said note
			if assert.NoError(t, json.Unmarshal(lines.Bytes(), &said)) {
				n.notes <- said
			}
		}
	})
	n.stop = sync.OnceFunc(func() {
		_ = process.Process.Kill() // it may have ended
		reading.Wait()
		_ = process.Wait() // it was killed
	})
	t.Cleanup(n.stop)
	n.port = n.wait("listening").Port
	return n
}

// wait waits for a note of the server.
func (n *node) wait(what string) note {
	n.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case said := <-n.notes:
			if said.What == what {
				return said
			}
			n.t.Log(said)
		case <-timeout:
			require.Fail(n.t, "never "+what)
		}
	}
}

// command sends a command to the server.
func (n *node) command(format string, args ...any) {
	n.t.Helper()
	_, err := fmt.Fprintf(n.commands, format+"\n", args...)
	require.NoError(n.t, err)
}

// signal sends a signal to the process.
func (n *node) signal(s os.Signal) {
	n.t.Helper()
	require.NoError(n.t, n.process.Process.Signal(s))
}

// listenTo returns a listener for the server, with a subscription.
func (n *node) listenTo(channel events.Channel) (*events.Client, *events.Subscription) {
	n.t.Helper()
	client, err := cloudconvert.NewClient("interop-key")
	require.NoError(n.t, err)
	listener, err := events.New(client, events.WithURL("http://127.0.0.1:"+strconv.Itoa(n.port)), events.WithBuffer(10_000))
	require.NoError(n.t, err)
	n.t.Cleanup(listener.Close)
	s, err := listener.Subscribe(n.t.Context(), channel)
	require.NoError(n.t, err)
	assert.Equal(n.t, events.Resync, n.next(s).Name)
	return listener, s
}

func (n *node) next(s *events.Subscription) events.Event {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 20*time.Second)
	defer cancel()
	event, err := s.Next(ctx)
	require.NoError(n.t, err)
	return event
}

// reconnected checks that a subscription receives events after the connection was lost.
func (n *node) reconnected(s *events.Subscription, why string) {
	n.t.Helper()
	event := n.next(s)
	assert.Equal(n.t, events.Resync, event.Name)
	require.ErrorContains(n.t, event.Err, why)
	assert.Equal(n.t, s.Channel().String(), n.wait("joined").Channel)
	n.command(`{"do": "emit", "channel": %q, "event": "job.finished", "data": {}}`, s.Channel())
	assert.Equal(n.t, events.JobFinished, n.next(s).Name)
}

func TestInteropOrder(t *testing.T) {
	t.Parallel()
	n := startNode(t, 0, patient)
	_, s := n.listenTo(events.UserJobs("7"))
	n.wait("joined")
	n.command(`{"do": "count", "channel": "private-user.7.jobs", "to": 5000}`)
	for i := range 5000 {
		event := n.next(s)
		require.Equal(t, events.JobUpdated, event.Name)
		require.JSONEq(t, fmt.Sprintf(`{"n": %d}`, i), string(event.Data))
	}
	assert.Equal(t, events.JobFinished, n.next(s).Name)
	s.Close()
	assert.Equal(t, "private-user.7.jobs", n.wait("left").Channel)
}

func TestInteropRefusal(t *testing.T) {
	t.Parallel()
	n := startNode(t, 0, patient)
	_, s := n.listenTo(events.Job("foreign"))
	_, err := s.Next(t.Context())
	require.ErrorIs(t, err, cloudconvert.ErrForbidden)
	assert.Equal(t, "private-job.foreign", n.wait("refused").Channel)
}

func TestInteropReconnect(t *testing.T) {
	t.Parallel()
	n := startNode(t, 0, patient)
	_, s := n.listenTo(events.Job("a"))
	n.wait("joined")
	n.command(`{"do": "kick"}`)
	n.reconnected(s, "ended the connection")
	n.command(`{"do": "close"}`)
	n.reconnected(s, "ended the connection")
}

func TestInteropRestart(t *testing.T) {
	t.Parallel()
	n := startNode(t, 0, patient)
	_, s := n.listenTo(events.Job("a"))
	n.wait("joined")
	n.stop()
	startNode(t, n.port, patient).reconnected(s, "")
}

func TestInteropFrozen(t *testing.T) {
	t.Parallel()
	n := startNode(t, 0, 2*time.Second)
	listener, s := n.listenTo(events.Job("a"))
	n.wait("joined")
	select {
	case said := <-n.notes:
		assert.Fail(t, "the server ended the connection", "%+v", said)
	case <-time.After(4 * time.Second): // longer than some heartbeats
	}
	require.NoError(t, listener.Err())
	n.signal(syscall.SIGSTOP)
	start := time.Now()
	require.Eventually(t, func() bool { return listener.Err() != nil }, 20*time.Second, 10*time.Millisecond)
	assert.Less(t, time.Since(start), 5*time.Second)
	require.ErrorContains(t, listener.Err(), "silent")
	n.signal(syscall.SIGCONT)
	n.reconnected(s, "")
}

func TestInteropLarge(t *testing.T) {
	t.Parallel()
	n := startNode(t, 0, patient)
	listener, s := n.listenTo(events.Job("a"))
	n.wait("joined")
	for _, size := range []int{200_000, 4_000_000} {
		n.command(`{"do": "large", "channel": "private-job.a", "size": %d}`, size)
		assert.Greater(t, len(n.next(s).Data), size)
	}
	n.command(`{"do": "binary", "channel": "private-job.a"}`)
	n.command(`{"do": "emit", "channel": "private-job.a", "event": "job.finished", "data": {}}`)
	event := n.next(s)
	require.NoError(t, event.Err)
	assert.Equal(t, events.JobFinished, event.Name)
	assert.EqualValues(t, 2, listener.Ignored(), "a binary event is a packet and an attachment")
	require.NoError(t, listener.Err())
	n.command(`{"do": "large", "channel": "private-job.a", "size": %d}`, 5_000_000)
	n.reconnected(s, "WithReadLimit")
}

// TestInteropNoPipelining shows why the client waits for the namespace: the server closes
// connections that send something earlier.
func TestInteropNoPipelining(t *testing.T) {
	t.Parallel()
	n := startNode(t, 0, patient)
	socketURL := fmt.Sprintf("ws://127.0.0.1:%d/socket.io/?EIO=4&transport=websocket", n.port)
	for _, waits := range []bool{true, false} {
		n.pipeline(socketURL, waits)
	}
}

// pipeline joins a channel, after the namespace is connected or before.
func (n *node) pipeline(socketURL string, waits bool) {
	n.t.Helper()
	conn, _, err := websocket.Dial(n.t.Context(), socketURL, nil) //nolint:bodyclose // as documented by Dial
	require.NoError(n.t, err)
	defer func() { _ = conn.CloseNow() }()
	read := func() string {
		for {
			_, frame, err := conn.Read(n.t.Context())
			if err != nil {
				return "the end"
			}
			if string(frame) != "2" {
				return string(frame)
			}
		}
	}
	write := func(frame string) {
		require.NoError(n.t, conn.Write(n.t.Context(), websocket.MessageText, []byte(frame)))
	}
	assert.True(n.t, strings.HasPrefix(read(), "0{"))
	write("40")
	if waits {
		assert.True(n.t, strings.HasPrefix(read(), "40{"))
	}
	write(`42["subscribe",{"channel":"private-job.a","auth":{"headers":{"Authorization":"Bearer interop-key"}}}]`)
	if waits {
		n.wait("joined")
		return
	}
	for frame := read(); frame != "the end"; frame = read() {
		assert.True(n.t, strings.HasPrefix(frame, "40{"), frame)
	}
}
