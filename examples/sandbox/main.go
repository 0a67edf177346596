// Command sandbox runs a local CloudConvert on a port, for programs in any
// language:
//
//	sandbox -addr 127.0.0.1:8080 -sync-addr 127.0.0.1:8081
//
// It prints the environment variables for programs that use it. A script starts it with
// -env-file, waits for the file and reads it:
//
//	sandbox -env-file sandbox.env &
//	until [ -f sandbox.env ]; do sleep 0.1; done
//	set -a; . ./sandbox.env; set +a
//
// NewClientFromEnv reads the variables of the API. CLOUDCONVERT_EVENTS_URL, the event
// socket, is read by examples/watch. Other programs pass it to events.WithURL.
//
// It converts images and archives and edits PDFs. It does more with the programs that are
// installed: LibreOffice, ffmpeg, ImageMagick, poppler, Chromium, OCRmyPDF, Ghostscript,
// ExifTool and 7-Zip. Other tasks finish with a stand-in: a small file of the right type
// that says that the sandbox has made it. Their engine is named stand-in. With -strict they
// fail. When the sandbox is interrupted, it removes all files.
//
// What a task exports to a cloud storage can be imported from there for 24 hours. With
// -objects, a folder stands for the storages. Each folder in it is a bucket, a container or
// a host:
//
//	mkdir -p objects/photos
//	sandbox -objects objects
//
// The files in that folder are kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/examples/internal/ending"
	"github.com/cloudconvert/cloudconvert-go/examples/internal/engines"
)

func main() {
	ctx, stop := ending.Context()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes of the command.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

// run runs the command until ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	settings, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "sandbox: %v (sandbox -h shows the flags)\n", err)
		return exitUsage
	}
	if err := serve(ctx, settings, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "sandbox:", err)
		return exitFailed
	}
	return exitOK
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	if err := removeStale(s.envFile); err != nil {
		return err
	}
	server, err := cloudconverttest.Start(s.options(stderr)...)
	if err != nil {
		return err
	}
	defer server.Close()
	for rawURL, file := range s.urls {
		server.HandleURL(rawURL, file)
	}
	for _, fault := range s.faults {
		fault.Seed = s.seed
		server.Inject(fault)
	}
	for _, engine := range engines.Register(ctx, server, engines.Options{Network: s.network}) {
		fmt.Fprintln(stderr, engine.Line(ctx))
	}
	if !s.strict {
		fmt.Fprintln(stderr, "stand-in: everything else (-strict turns it off)")
	}
	if len(s.faults) > 0 {
		fmt.Fprintln(stderr, "faults: seed", s.seed)
	}
	fmt.Fprintln(stderr, "events: examples/watch reads CLOUDCONVERT_EVENTS_URL, other programs give it to events.WithURL")
	if err := announce(s, server, stdout); err != nil {
		return err
	}
	<-ctx.Done()
	return removeStale(s.envFile)
}
