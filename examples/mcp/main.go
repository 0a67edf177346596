// Command mcp lets agents convert local files with CloudConvert. It is a server of the
// Model Context Protocol over standard input and output. Run it with -h for its manual.
//
// Build it from the root of the repository:
//
//	go build -o /usr/local/bin/cloudconvert-mcp ./examples/mcp
//
// Add it to the configuration of an agent, which starts it:
//
//	{
//	  "mcpServers": {
//	    "cloudconvert": {
//	      "command": "/usr/local/bin/cloudconvert-mcp",
//	      "args": ["-budget", "20", "/home/me/documents"],
//	      "env": {"CLOUDCONVERT_API_KEY": "the key"}
//	    }
//	  }
//	}
//
// Calls read and write only below the roots that the agent's program names or, if it names
// none, below the directories in args. They replace no file, and begin no job when the
// session has cost the budget.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/cloudconvert/cloudconvert-go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], &mcp.StdioTransport{}, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes of the command.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

// run serves a session until the client ends it, and returns the exit code. Standard
// output belongs to the protocol: all messages go to stderr.
func run(ctx context.Context, args []string, transport mcp.Transport, stderr io.Writer) int {
	settings, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stderr, manual)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "mcp: %v (mcp -h shows the manual)\n", err)
		return exitUsage
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	client, err := cloudconvert.NewClientFromEnv(cloudconvert.WithLogger(logger))
	if err != nil {
		// The server starts nevertheless: agents show the errors of calls, and hide those
		// of servers that do not start.
		fmt.Fprintln(stderr, "mcp:", errNoClient(err))
	} else {
		defer client.CloseIdleConnections()
	}
	if err := newServer(settings, client, err).serve(ctx, transport, logger); err != nil {
		fmt.Fprintln(stderr, "mcp:", err)
		return exitFailed
	}
	return exitOK
}

// settings are what the command line says.
type settings struct {
	budget int
	dirs   []string // absolute
}

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("mcp", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.IntVar(&s.budget, "budget", 20, "")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.budget < 1 {
		return s, fmt.Errorf("-budget %d: a conversion costs at least one credit", s.budget)
	}
	for _, name := range flags.Args() {
		dir, err := filepath.Abs(name)
		if err != nil {
			return s, err
		}
		info, err := os.Stat(dir)
		if err != nil {
			return s, err
		}
		if !info.IsDir() {
			return s, fmt.Errorf("%s is not a directory: name directories that agents may use", name)
		}
		s.dirs = append(s.dirs, dir)
	}
	return s, nil
}
