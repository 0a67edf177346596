// Command sandbox runs a local CloudConvert on ports of this machine, for programs in any
// language. It prints the environment variables for them. Run it with -h for its manual.
//
// NewClientFromEnv reads the variables of the API. CLOUDCONVERT_EVENTS_URL, the event
// socket, is read by examples/watch. Other programs pass it to events.WithURL.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/examples/internal/engines"
	"github.com/cloudconvert/cloudconvert-go/examples/internal/interrupt"
)

func main() {
	ctx, stop := interrupt.Context()
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
	settings, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stderr, manual)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "sandbox: %v (sandbox -h shows the manual)\n", err)
		return exitUsage
	}
	if settings.health {
		err = checkHealth(ctx, settings.addr)
	} else {
		err = serve(ctx, settings, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "sandbox:", err)
		return exitFailed
	}
	return exitOK
}

// checkHealth returns an error unless a server listens on addr. It sends no request, which
// would be logged and could get a fault.
func checkHealth(ctx context.Context, addr string) error {
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	server, err := cloudconverttest.Start(s.options(stderr)...)
	if err != nil {
		return err
	}
	defer server.Close()
	if err := removeStale(s.envFile); err != nil {
		return err
	}
	for rawURL, file := range s.urls {
		server.HandleURL(rawURL, file)
	}
	for _, fault := range s.faults {
		fault.Seed = s.seed
		server.Inject(fault)
	}
	registered, confined := engines.Register(ctx, server, engines.Options{Network: s.network, Unconfined: s.unconfined})
	engines.AddFormats(ctx, server, registered)
	fmt.Fprintln(stderr, "built-in: images, thumbnails and watermarks of images, zip, tar and tar.gz archives, metadata")
	for _, engine := range registered {
		fmt.Fprintln(stderr, engine.Line(ctx))
	}
	if !confined {
		fmt.Fprintln(stderr, "not confined: bubblewrap is not installed or cannot run here, so programs run as this user "+
			"(those of the operation command only with -unconfined)")
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
	return removeOwn(s.envFile, server.URL)
}
