// Package ending ends the commands on signals, so that they can take
// their local sandbox with them.
package ending

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Context returns a context that ends when the user interrupts the program, asks
// it to end or leaves its terminal. Until the function it returns is called, the
// program sees a pipe that no process reads as an error of the write, and is not
// killed by it.
func Context() (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup wants it
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	pipes := make(chan os.Signal, 1) // unlike Ignore, this is not passed on to programs that are started
	signal.Notify(pipes, syscall.SIGPIPE)
	return ctx, func() {
		signal.Stop(pipes)
		stop()
	}
}
