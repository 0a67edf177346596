package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// world is a session of a client with a server, and the service behind it. It converts
// docx to pdf.
type world struct {
	service *cloudconverttest.Server
	client  *mcp.Client
	session *mcp.ClientSession
	dir     string // the only root
}

// setup is what a test changes of a world.
type setup struct {
	service  []cloudconverttest.Option
	options  []cloudconvert.Option
	budget   int  // 20 if zero
	noRoots  bool // the client does not support roots
	dirs     []string
	protocol string // the newest if empty
	progress func(*mcp.ProgressNotificationParams)
}

// oldProtocol is the last version in which servers send requests.
const oldProtocol = "2025-11-25"

func newWorld(t *testing.T, with setup) *world {
	t.Helper()
	w := &world{service: cloudconverttest.NewServer(with.service...), dir: t.TempDir()}
	t.Cleanup(w.service.Close)
	w.service.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		content, err := os.ReadFile(run.Input().Path)
		if err != nil {
			return err
		}
		return run.Write(run.OutputName(run.Input()), append([]byte("%PDF of "), content...))
	})
	if with.budget == 0 {
		with.budget = 20
	}
	s := newServer(settings{budget: with.budget, dirs: with.dirs}, w.service.Client(with.options...), nil)
	options := &mcp.ClientOptions{}
	if with.noRoots {
		options.Capabilities = &mcp.ClientCapabilities{}
	}
	if with.progress != nil {
		options.ProgressNotificationHandler = func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			with.progress(r.Params)
		}
	}
	w.client = mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, options)
	if !with.noRoots {
		w.addRoot(uriOf(w.dir))
	}
	w.session = connect(t, s, w.client, with.protocol)
	w.write(t, "a.docx", "letter")
	return w
}

// connect connects a client with a server, in memory.
func connect(t *testing.T, s *server, client *mcp.Client, protocol string) *mcp.ClientSession {
	t.Helper()
	here, there := mcp.NewInMemoryTransports()
	served, err := s.protocol(t.Context(), slog.New(slog.DiscardHandler)).Connect(t.Context(), there, nil)
	require.NoError(t, err)
	session, err := client.Connect(t.Context(), here, &mcp.ClientSessionOptions{ProtocolVersion: protocol})
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, session.Close())
		assert.NoError(t, served.Wait())
	})
	return session
}

//nolint:staticcheck // roots are deprecated, but nothing replaces them for local files.
func (w *world) addRoot(uri string) { w.client.AddRoots(&mcp.Root{URI: uri}) }

//nolint:staticcheck // as above.
func (w *world) removeRoot(dir string) { w.client.RemoveRoots(uriOf(dir)) }

// uriOf returns the URI of a path.
func uriOf(path string) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

func (w *world) write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func (w *world) read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(w.dir, name))
	require.NoError(t, err)
	return string(content)
}

// files returns the names of the files in the root.
func (w *world) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(w.dir)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

type arguments = map[string]any

// call calls a tool that must succeed, and decodes its result.
func call[Out any](t *testing.T, w *world, tool string, in arguments) Out {
	t.Helper()
	result, err := w.session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: in})
	require.NoError(t, err)
	require.False(t, result.IsError, textOf(result))
	return decode[Out](t, result)
}

func decode[Out any](t *testing.T, result *mcp.CallToolResult) Out {
	t.Helper()
	data, err := json.Marshal(result.StructuredContent)
	require.NoError(t, err)
	var out Out
	require.NoError(t, json.Unmarshal(data, &out))
	return out
}

// libraryTerms are terms of the library that toolTerms replaces.
const libraryTerms = `cloudconvert: |invalid request: |Source\.|With[A-Z]|Input of|\n`

// fails calls a tool that must fail, and returns the error.
func (w *world) fails(t *testing.T, tool string, in arguments) string {
	t.Helper()
	result, err := w.session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: in})
	require.NoError(t, err)
	require.True(t, result.IsError, "the call succeeded: %s", textOf(result))
	assert.Nil(t, result.StructuredContent)
	assert.NotRegexp(t, libraryTerms, textOf(result))
	return textOf(result)
}

// refuses calls a tool that must fail before it creates a job, and returns the error.
func (w *world) refuses(t *testing.T, tool string, in arguments) string {
	t.Helper()
	before := len(w.service.Jobs())
	text := w.fails(t, tool, in)
	assert.Len(t, w.service.Jobs(), before, "a job was created")
	return text
}

func textOf(result *mcp.CallToolResult) string {
	var text strings.Builder
	for _, content := range result.Content {
		if part, ok := content.(*mcp.TextContent); ok {
			text.WriteString(part.Text)
		}
	}
	return text.String()
}
