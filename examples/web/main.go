// Command web is a web service that converts pictures. The browser posts the
// file straight to storage, so that no file goes through the service, and a
// webhook tells when the job has ended:
//
//	web -addr 127.0.0.1:8080
//
// It uses the API key in CLOUDCONVERT_API_KEY, which needs the scopes task.read,
// task.write, webhook.read and webhook.write. Without one it starts a local sandbox.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stderr, func(string) {})
	stop()
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("wrong arguments")

// run serves until the context ends. It calls started with the address of the page.
func run(ctx context.Context, args []string, stderr io.Writer, started func(url string)) error {
	flags := flag.NewFlagSet("web", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "the `address` to listen on")
	public := flags.String("public", "", "the `URL` under which the service reaches this program; by default http://addr")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errors.Join(errUsage, err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	if *public == "" {
		*public = "http://" + listener.Addr().String()
	}
	client, closeClient, err := connect(stderr)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer closeClient()
	app, err := newApp(ctx, client, *public)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintln(stderr, "Open", *public)
	started(*public)
	return errors.Join(serve(ctx, listener, app.routes()), app.close()) //nolint:contextcheck // the context has ended by then.
}

// connect returns a client for the service, or for a local sandbox that takes
// its time, so that there is something to see.
func connect(stderr io.Writer) (*cloudconvert.Client, func(), error) {
	if os.Getenv("CLOUDCONVERT_API_KEY") != "" {
		client, err := cloudconvert.NewClientFromEnv()
		return client, func() {}, err
	}
	fmt.Fprintln(stderr, "No CLOUDCONVERT_API_KEY is set: using a local sandbox, which converts pictures.")
	server, err := cloudconverttest.Start(cloudconverttest.WithTaskDuration(700 * time.Millisecond))
	if err != nil {
		return nil, nil, err
	}
	return server.Client(), server.Close, nil
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}
