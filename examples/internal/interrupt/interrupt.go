// Package interrupt ends commands on signals, so that they can close their local sandbox.
package interrupt

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Context returns a context that ends on SIGINT, SIGTERM and SIGHUP. Until the returned
// function is called, writing to a closed pipe returns an error and does not kill the
// program.
func Context() (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	pipes := make(chan os.Signal, 1) // unlike signal.Ignore, child processes do not inherit this
	signal.Notify(pipes, syscall.SIGPIPE)
	return ctx, func() {
		signal.Stop(pipes)
		stop()
	}
}
