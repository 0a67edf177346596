// Command watch shows the progress of the tasks of a job, or of an account:
//
//	watch JOB_ID
//	watch -account
//
// On a terminal the lines of tasks change in place. The command ends with the job, with
// exit code 1 if that failed, or when it is interrupted.
//
// It uses the API key in CLOUDCONVERT_API_KEY, and the event socket in
// CLOUDCONVERT_EVENTS_URL if that is set. Without a key it starts a local
// sandbox and follows a job there.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

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

// run runs the command and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	settings, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "watch: %v (watch -h shows the flags)\n", err)
		return exitUsage
	}
	if err := watch(ctx, settings, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "watch:", err)
		return exitFailed
	}
	return exitOK
}

// settings are the settings of the command line.
type settings struct {
	job     string // empty for that of the demonstration
	account bool
	length  time.Duration
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("watch", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&s.account, "account", false, "follow all tasks of the account, until you interrupt it")
	flags.DurationVar(&s.length, "length", 5*time.Second, "let the job of the local sandbox take this `time`, if there is no key")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: watch [flags] JOB_ID")
		fmt.Fprintln(stderr, "       watch [flags] -account")
		flags.PrintDefaults()
		return s, err
	}
	if err != nil {
		return s, err
	}
	s.job = flags.Arg(0)
	hasKey := os.Getenv("CLOUDCONVERT_API_KEY") != ""
	switch {
	case s.length < 0:
		return s, fmt.Errorf("-length %v: a job takes some time", s.length)
	case flags.NArg() > 1 || s.account && s.job != "":
		return s, errors.New("want a single job, or -account")
	case hasKey && s.job == "" && !s.account:
		return s, errors.New("want the id of a job, or -account")
	case !hasKey && s.job != "":
		return s, errors.New("following a job needs an API key in CLOUDCONVERT_API_KEY")
	}
	return s, nil
}

// watch follows a job or the account until the output cannot be written.
func watch(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	place, err := connect(ctx, s, stderr)
	if err != nil {
		return err
	}
	defer place.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &follower{client: place.client, listener: place.listener, screen: newScreen(stdout, cancel), stderr: stderr}
	if s.account {
		err = f.account(ctx)
	} else {
		err = f.job(ctx, place.job)
	}
	return cmp.Or(f.screen.failure(), err)
}
