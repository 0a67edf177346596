package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// childVariable makes the test binary the command.
const childVariable = "MCP_TEST_CHILD"

// child returns the command.
func child(t *testing.T, service *cloudconverttest.Server, key string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], args...)
	command.Env = append(os.Environ(), childVariable+"=1", "CLOUDCONVERT_API_KEY="+key,
		"CLOUDCONVERT_API_URL="+service.URL, "CLOUDCONVERT_SYNC_URL="+service.SyncURL)
	return command
}

// start starts the command and connects a client with it.
func start(t *testing.T, service *cloudconverttest.Server, key string, args ...string) (*mcp.ClientSession, *bytes.Buffer) {
	t.Helper()
	command := child(t, service, key, args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: command}, nil)
	require.NoError(t, err)
	return session, &stderr
}

func TestStdio(t *testing.T) {
	t.Parallel()
	service := cloudconverttest.NewServer()
	defer service.Close()
	service.Handle("convert", func(_ context.Context, run *cloudconverttest.Run) error { return run.Write("x.pdf", []byte("x")) })
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.docx"), []byte("x"), 0o600))
	session, stderr := start(t, service, service.Key(), "-budget", "1", dir)
	w := &world{service: service, session: session}
	out := call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "b.pdf"})
	assert.Equal(t, []string{filepath.Join(dir, "b.pdf")}, out.Paths)
	assert.Contains(t, w.refuses(t, "convert_file", arguments{"input": "a.docx", "output": "c.pdf"}), "larger -budget")
	require.NoError(t, session.Close())
	assert.Empty(t, stderr.String())
}

func TestStdioWithoutKey(t *testing.T) {
	t.Parallel()
	service := cloudconverttest.NewServer()
	defer service.Close()
	session, stderr := start(t, service, "")
	w := &world{service: service, session: session}
	assert.Contains(t, w.refuses(t, "get_account", arguments{}), "CLOUDCONVERT_API_KEY is not set")
	require.NoError(t, session.Close())
	assert.Contains(t, stderr.String(), "CLOUDCONVERT_API_KEY is not set")
}

// A client that is gone reads no result: its jobs are deleted.
func TestEndOfSessionDeletesJob(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(io.Closer, *os.Process) error{
		"client":  func(stdin io.Closer, _ *os.Process) error { return stdin.Close() },
		"SIGTERM": func(_ io.Closer, server *os.Process) error { return server.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := make(chan struct{})
			service := cloudconverttest.NewServer()
			defer service.Close()
			service.Handle("convert", func(ctx context.Context, _ *cloudconverttest.Run) error {
				close(begun)
				<-ctx.Done()
				return ctx.Err()
			})
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "a.docx"), []byte("x"), 0o600))
			command := child(t, service, service.Key(), dir)
			stdin, err := command.StdinPipe()
			require.NoError(t, err)
			var stderr bytes.Buffer
			command.Stderr = &stderr
			require.NoError(t, command.Start())
			for _, message := range []string{
				`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`,
				`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
				`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"convert_file","arguments":{"input":"a.docx","output":"b.pdf"}}}`,
			} {
				_, err := io.WriteString(stdin, message+"\n")
				require.NoError(t, err)
			}
			<-begun
			require.NoError(t, end(stdin, command.Process))
			require.NoError(t, command.Wait())
			assert.Empty(t, service.Jobs())
			assert.NotContains(t, stderr.String(), "panic")
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := parse([]string{"-budget", "3", dir})
	require.NoError(t, err)
	assert.Equal(t, settings{budget: 3, dirs: []string{dir}}, s)
	s, err = parse(nil)
	require.NoError(t, err)
	assert.Equal(t, settings{budget: 20}, s)

	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, args := range [][]string{{"-budget", "0"}, {"-budget", "x"}, {"-x"}, {file}, {filepath.Join(dir, "missing")}} {
		var stderr bytes.Buffer
		assert.Equal(t, exitUsage, run(t.Context(), args, nil, &stderr), "%q", args)
		assert.Contains(t, stderr.String(), "mcp -h shows the manual")
	}
	var stderr bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, nil, &stderr))
	assert.Contains(t, stderr.String(), "TOOLS")
}
