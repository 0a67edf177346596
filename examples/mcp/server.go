package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/cloudconvert/cloudconvert-go"
)

// server has what the tools share. It serves one session.
type server struct {
	client    *cloudconvert.Client
	clientErr error    // why there is no client
	dirs      []string // for clients without roots
	budget    budget

	mu      sync.Mutex
	claimed map[string]bool // paths that running calls are going to write
	jobs    map[string]bool // the ids of jobs that save_job may save
}

func newServer(s settings, client *cloudconvert.Client, clientErr error) *server {
	return &server{
		client: client, clientErr: clientErr, dirs: s.dirs, budget: budget{limit: s.budget},
		claimed: map[string]bool{}, jobs: map[string]bool{},
	}
}

const instructions = `Converts files between more than 200 formats with CloudConvert, a hosted service. ` +
	`Local files are read and written here, below the roots of the session; URLs are fetched by the service. ` +
	`Conversions cost credits, and the session has a budget. An existing file is never replaced. ` +
	`Use convert_file for one file, run_pipeline for anything else (merge, OCR, watermark, thumbnail, archive, ` +
	`capture a website), and list_formats for what is possible.`

// serve serves a session until the client closes it or ctx ends. It returns when all calls
// have returned: they delete their jobs.
func (s *server) serve(ctx context.Context, transport mcp.Transport, logger *slog.Logger) error {
	err := s.protocol(ctx, logger).Run(ctx, transport)
	if errors.Is(err, ctx.Err()) {
		return nil // it was told to stop
	}
	return err
}

// protocol returns the server of the protocol, with the tools. Calls end with ctx.
func (s *server) protocol(ctx context.Context, logger *slog.Logger) *mcp.Server {
	m := mcp.NewServer(&mcp.Implementation{
		Name: "cloudconvert", Title: "CloudConvert for local files", Version: version(),
	}, &mcp.ServerOptions{Instructions: instructions, Logger: logger, Capabilities: &mcp.ServerCapabilities{}})
	addTool(ctx, s, m, &mcp.Tool{
		Name:  "convert_file",
		Title: "Convert a file",
		Description: "Convert a local file, or the file at a URL, to another format, and write the result to a local file. " +
			"The extension of output determines the format. Several results, such as the pages of a document as images, " +
			"are numbered. An existing file is never replaced. Costs credits.",
		Annotations: writes,
	}, s.convertFile)
	addTool(ctx, s, m, &mcp.Tool{
		Name:  "run_pipeline",
		Title: "Run a job of several tasks",
		Description: "Run a job of any operations, such as merge, optimize, watermark, thumbnail, archive, metadata, " +
			"capture-website or pdf/ocr, and write its files below output. tasks is what the Job Builder of CloudConvert " +
			"writes. A local file is a task of the operation import/upload, whose path is in files. A task of the operation " +
			"export/url is added for each result if there is none. Other exports are refused. Example: " +
			`{"tasks": {"a": {"operation": "import/upload"}, "b": {"operation": "import/url", "url": "https://example.com/b.pdf"}, ` +
			`"merge": {"operation": "merge", "input": ["a", "b"], "output_format": "pdf"}}, ` +
			`"files": {"a": "cover.docx"}, "output": "book.pdf"}. Costs credits.`,
		Annotations: writes,
	}, s.runPipeline)
	addTool(ctx, s, m, &mcp.Tool{
		Name:  "save_job",
		Title: "Save the files of a finished job",
		Description: "Write the files of a job of this session that has finished, if an earlier call said that they could not " +
			"be written. Costs nothing.",
		Annotations: writes,
	}, s.saveJob)
	addTool(ctx, s, m, &mcp.Tool{
		Name:  "list_formats",
		Title: "List formats and options",
		Description: "List the conversions from or to a format, or the entries of another operation, with their base " +
			"price in credits. With include_options, list the options of one conversion. Costs nothing.",
		Annotations: reads,
	}, s.listFormats)
	addTool(ctx, s, m, &mcp.Tool{
		Name:        "get_account",
		Title:       "Show credits",
		Description: "Return the credits of the account, and what is left of the budget of this session. Costs nothing.",
		Annotations: reads,
	}, s.getAccount)
	return m
}

var (
	writes = &mcp.ToolAnnotations{DestructiveHint: new(false)}
	reads  = &mcp.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true}
)

// addTool adds a tool that needs the client, and whose errors are explained. Its calls end
// with stop: Server.Run waits for them when its context ends, and does not cancel them.
func addTool[In, Out any](stop context.Context, s *server, m *mcp.Server, tool *mcp.Tool, handle mcp.ToolHandlerFor[In, *Out]) {
	mcp.AddTool(m, tool, func(ctx context.Context, request *mcp.CallToolRequest, in In) (*mcp.CallToolResult, *Out, error) {
		if s.clientErr != nil {
			return nil, nil, errNoClient(s.clientErr)
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(stop, cancel)()
		result, out, err := handle(ctx, request, in)
		return result, out, explain(err)
	})
}

// version returns the version of the module that the command was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// claim reserves a path for a call until release is called.
func (s *server) claim(path string) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claimed[path] {
		return nil, fmt.Errorf("another call is going to write %q: choose another output", path)
	}
	s.claimed[path] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.claimed, path)
	}, nil
}
