package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"time"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// settings are the settings of the command line.
type settings struct {
	addr, syncAddr string
	eventsAddr     string
	key            string
	anyKey         bool
	rate           rateFlag
	parallel       int
	credits        int // negative for no limit
	taskDuration   time.Duration
	uploadSettle   time.Duration
	whitelist      sumsFlag
	urls           urlsFlag
	objects        string
	faults         faultsFlag
	seed           uint64
	envFile        string
	strict         bool
	network        bool
}

func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{urls: urlsFlag{}, seed: rand.Uint64()}
	flags := s.flags()
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: sandbox [flags]")
		flags.PrintDefaults()
		return s, err
	}
	if err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: there are only flags", flags.Arg(0))
	}
	return s, s.check()
}

func (s *settings) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:0", "listen on this `address`; port 0 is a free one")
	flags.StringVar(&s.syncAddr, "sync-addr", "127.0.0.1:0", "`address` of the host that responds when a job has ended")
	flags.StringVar(&s.eventsAddr, "events-addr", "127.0.0.1:0", "`address` of the event socket")
	flags.StringVar(&s.key, "key", "", "accept this API `key` (default a random one)")
	flags.BoolVar(&s.anyKey, "any-key", false, "accept every API key")
	flags.Var(&s.rate, "rate-limit", "refuse more creations of jobs and tasks than `n/window`, such as 10/1m")
	flags.IntVar(&s.parallel, "parallel", 0, "allow `n` jobs at once (default no limit)")
	flags.IntVar(&s.credits, "credits", -1, "give the account `n` credits (default as many as it takes)")
	flags.DurationVar(&s.taskDuration, "task-duration", 0, "make each task take this `time`")
	flags.DurationVar(&s.uploadSettle, "upload-settle", 0, "let this `time` pass before an uploaded file is there")
	flags.Var(&s.whitelist, "whitelist", "be like the hosted sandbox, and take only files whose MD5 is in this `list`, with commas between them")
	flags.Var(s.urls, "urls", "import a local file in place of a URL, given as `URL=file`; may be repeated")
	flags.StringVar(&s.objects, "objects", "", "read and write the objects of storage services in this `folder`, which has a folder for each bucket, container or host (default keep exported objects for 24 hours)")
	flags.Var(&s.faults, "fault", "let a share of the requests go wrong, given as `kind=share`, such as reset=0.05; may be repeated; the kinds are "+faultKinds())
	flags.Uint64Var(&s.seed, "seed", s.seed, "`number` that decides which requests go wrong (default a random one)")
	flags.StringVar(&s.envFile, "env-file", "", "write the environment variables to this `file` as soon as the sandbox is ready")
	flags.BoolVar(&s.strict, "strict", false, "fail tasks that no engine can do, in place of making a stand-in")
	flags.BoolVar(&s.network, "network", false, "let tasks and webhooks reach any host (default only this machine)")
	for _, name := range []string{"credits", "seed"} {
		flags.Lookup(name).DefValue = "0" // the usage describes the default in words
	}
	return flags
}

// plainKey matches keys that need no quotes in a shell.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9._~+/=-]*$`)

func (s *settings) check() error {
	switch {
	case !plainKey.MatchString(s.key):
		return errors.New("-key: a key has letters, digits and . _ ~ + / = - only")
	case s.parallel < 0:
		return errors.New("-parallel: want a number that is not negative")
	case s.taskDuration < 0 || s.uploadSettle < 0:
		return errors.New("-task-duration and -upload-settle: want a time that is not negative")
	}
	return nil
}

// options returns the options of the server.
func (s *settings) options(stderr io.Writer) []cloudconverttest.Option {
	options := []cloudconverttest.Option{
		cloudconverttest.WithAddr(s.addr, s.syncAddr),
		cloudconverttest.WithEventsAddr(s.eventsAddr),
		cloudconverttest.WithTaskDuration(s.taskDuration),
		cloudconverttest.WithUploadSettle(s.uploadSettle),
		cloudconverttest.WithParallelJobs(s.parallel),
		cloudconverttest.WithRateLimit(s.rate.limit, s.rate.window),
		cloudconverttest.WithNetworkImports(s.network),
		cloudconverttest.WithObjects(s.objects),
		cloudconverttest.WithLogger(slog.New(newJournal(stderr))),
		cloudconverttest.WithRequestLog(0),
	}
	if !s.strict {
		options = append(options, cloudconverttest.WithStandIns())
	}
	if s.key != "" {
		options = append(options, cloudconverttest.WithKeys(s.key))
	}
	if s.anyKey {
		options = append(options, cloudconverttest.WithAnyKey())
	}
	if s.credits >= 0 {
		options = append(options, cloudconverttest.WithCredits(s.credits))
	}
	if s.whitelist != nil {
		options = append(options, cloudconverttest.WithWhitelist(s.whitelist...))
	}
	return options
}
