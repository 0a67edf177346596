// Command web is a web service that converts images. A visitor posts an image, a webhook
// reports the end of its job, and the page shows the progress and the result:
//
//	web -addr 127.0.0.1:8080
//
// With -trace it prints what the client does, as trees of OpenTelemetry spans.
//
// It uses the API key in CLOUDCONVERT_API_KEY, which needs the scopes task.read,
// task.write, webhook.read and webhook.write. Without one it starts a local sandbox.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/examples/internal/interrupt"
)

func main() {
	ctx, stop := interrupt.Context()
	code := run(ctx, os.Args[1:], os.Stderr, func(string) {})
	stop()
	os.Exit(code)
}

// The exit codes of the command.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

// run runs the command until the context ends, and calls started with the URL of the
// page. It returns the exit code.
func run(ctx context.Context, args []string, stderr io.Writer, started func(url string)) int {
	settings, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "web: %v (web -h shows the flags)\n", err)
		return exitUsage
	}
	if err := serve(ctx, settings, stderr, started); err != nil {
		fmt.Fprintln(stderr, "web:", err)
		return exitFailed
	}
	return exitOK
}

// settings are the settings of the command line.
type settings struct {
	addr   string
	public string // empty for that of addr
	trace  bool
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("web", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:8080", "the `address` to listen on")
	flags.StringVar(&s.public, "public", "", "the `URL` under which the service reaches this program; by default http://addr")
	flags.BoolVar(&s.trace, "trace", false, "print what the client does, as trees of OpenTelemetry spans")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: web [flags]")
		flags.PrintDefaults()
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q: there are only flags", flags.Arg(0))
	}
	return s, err
}

// serve runs the service until the context ends.
func serve(ctx context.Context, s settings, stderr io.Writer, started func(url string)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return err
	}
	public := cmp.Or(s.public, "http://"+listener.Addr().String())
	var opts []cloudconvert.Option
	if s.trace {
		opts = append(opts, traceTo(stderr))
	}
	client, closeClient, err := connect(stderr, opts...)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer closeClient()
	app, err := newApp(ctx, client, public)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintln(stderr, "Open", public)
	started(public)
	return errors.Join(serveUntilDone(ctx, listener, app.routes()), app.close()) //nolint:contextcheck // the context has ended by then.
}

// connect returns a client for the service, or for a local sandbox with slow tasks, so
// that there is progress to see.
func connect(stderr io.Writer, opts ...cloudconvert.Option) (*cloudconvert.Client, func(), error) {
	if os.Getenv("CLOUDCONVERT_API_KEY") != "" {
		client, err := cloudconvert.NewClientFromEnv(opts...)
		return client, func() {}, err
	}
	fmt.Fprintln(stderr, "No CLOUDCONVERT_API_KEY is set: using a local sandbox, which converts images.")
	server, err := cloudconverttest.Start(cloudconverttest.WithTaskDuration(700 * time.Millisecond))
	if err != nil {
		return nil, nil, err
	}
	return server.Client(opts...), server.Close, nil
}

// serveUntilDone handles requests until the context ends.
func serveUntilDone(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       transferTime,
		WriteTimeout:      2 * transferTime, // it includes the time to read the request
		IdleTimeout:       2 * time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if server.Shutdown(ctx) == nil {
		return nil
	}
	// Browsers open connections in advance, which Shutdown treats as busy.
	return server.Close()
}
