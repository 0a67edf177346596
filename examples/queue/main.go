// Command queue converts files with CloudConvert from a durable queue, by any number of
// processes. Run it with -h for its manual.
//
//	queue add -to pdf *.docx
//	queue work
//	queue status
//
// The queue is that of River, in a file of SQLite or in PostgreSQL. It uses the API key in
// CLOUDCONVERT_API_KEY.
//
// Any queue that delivers a message again with the same id will do. What stands for the id
// and the attempt of River's jobs in other queues:
//
//   - NATS JetStream: stream and sequence number, and NumDelivered. Extend AckWait by
//     InProgress.
//   - Temporal: the ids of workflow and activity, and Attempt.
//   - Amazon SQS: the MessageId, and ApproximateReceiveCount. The visibility timeout is the
//     lease: set it to minutes.
//   - Google Cloud Tasks: the name of the task, and the header X-CloudTasks-TaskRetryCount.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
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
	s, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stderr, manual)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "queue: %v (queue -h shows the manual)\n", err)
		return exitUsage
	}
	switch s.command {
	case "add":
		err = add(ctx, s, stderr)
	case "work":
		var client *cloudconvert.Client
		if client, err = cloudconvert.NewClientFromEnv(); err == nil {
			err = work(ctx, client, s, stdout, stderr)
			client.CloseIdleConnections()
		}
	case "status":
		err = status(ctx, s, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "queue:", err)
		return exitFailed
	}
	return exitOK
}

// settings are what the command line and the environment say.
type settings struct {
	command string
	file    string // of SQLite
	url     string // of PostgreSQL; empty for SQLite

	to, dir string // of add; dir is empty for the directory of each file
	sources []string

	concurrency int // of work
	webhook     string
	listen      string
	events      string // URL of the event socket; empty for that of the service
	pace        pace
}

// pace has the times of work. Tests shorten them.
type pace struct {
	// attempt is how long an attempt to upload or download a file may take.
	attempt time.Duration
	// rescue is how long after its beginning an attempt is known to have ended, even if
	// its process was killed. Only then may another process use the key. It exceeds
	// attempt by the time that it takes to end, and by the difference of two clocks.
	rescue time.Duration
	// wait is how long an attempt waits for a conversion. Most take less.
	wait time.Duration
	// snooze is how long a longer conversion is left alone. Events end it earlier.
	snooze time.Duration
	// stop is how long running attempts may continue after an interrupt.
	stop time.Duration
}

var format = regexp.MustCompile(`^[a-z0-9][a-z0-9.]*$`)

func parse(args []string) (settings, error) {
	s := settings{file: "queue.db", url: os.Getenv("DATABASE_URL"), events: os.Getenv("CLOUDCONVERT_EVENTS_URL")}
	flags := flag.NewFlagSet("queue", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.file, "queue", s.file, "")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	isFile := flags.NFlag() > 0
	s.command = flags.Arg(0)
	arguments := flags.Args()[min(1, flags.NArg()):]
	flags = flag.NewFlagSet(s.command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	switch s.command {
	case "":
		return s, errors.New("want a command: add, work or status")
	case "add":
		flags.StringVar(&s.to, "to", "pdf", "")
		flags.StringVar(&s.dir, "o", "", "")
	case "work":
		flags.IntVar(&s.concurrency, "concurrency", 8, "")
		flags.DurationVar(&s.pace.attempt, "timeout", 5*time.Minute, "")
		flags.StringVar(&s.webhook, "webhook", "", "")
		flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "")
	case "status":
	default:
		return s, fmt.Errorf("unknown command %q: want add, work or status", s.command)
	}
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	s.sources = flags.Args()
	if isFile && s.url != "" {
		return s, errors.New("-queue names a file, but DATABASE_URL is set: unset one of them")
	}
	return s, s.check()
}

// check refuses values that no run could use, and completes the others.
func (s *settings) check() error {
	switch s.command {
	case "add":
		s.to = strings.ToLower(strings.TrimPrefix(s.to, "."))
		if !format.MatchString(s.to) {
			return fmt.Errorf("-to %q is not a format: use an extension such as pdf", s.to)
		}
		if len(s.sources) == 0 {
			return errors.New("want files to add")
		}
		return nil
	case "work":
		s.pace.rescue = s.pace.attempt + 30*time.Second
		s.pace.wait = 10 * time.Second
		s.pace.snooze = 30 * time.Second
		s.pace.stop = time.Second
		if err := s.checkWork(); err != nil {
			return err
		}
	}
	if len(s.sources) > 0 {
		return fmt.Errorf("unexpected argument %q: only add takes files", s.sources[0])
	}
	return nil
}

func (s *settings) checkWork() error {
	switch {
	case s.concurrency < 1:
		return fmt.Errorf("-concurrency %d: work on at least one file", s.concurrency)
	case s.pace.attempt < time.Minute:
		return fmt.Errorf("-timeout %v: an attempt needs at least a minute", s.pace.attempt)
	case s.webhook == "":
		return nil
	}
	hook, err := url.Parse(s.webhook)
	if err != nil || hook.Host == "" || len(hook.Path) < len("/secret") {
		return fmt.Errorf("-webhook %q: want a URL that ends with a secret, such as https://example.com/3A9C6FD1", s.webhook)
	}
	return nil
}

// String returns what the queue is called in messages: a URL may have a password.
func (s *settings) String() string {
	if s.url != "" {
		return "the queue in DATABASE_URL"
	}
	return filepath.Clean(s.file)
}
