package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// settings are the settings of the command line.
type settings struct {
	addr, syncAddr string
	eventsAddr     string
	publicURL      string
	health         bool
	key            string
	scopedKeys     scopedKeysFlag
	oauthClient    clientFlag
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
	unconfined     bool
}

// defaultTaskDuration is long enough for a client to subscribe to the events of a job that
// it has created, also on a busy machine.
const defaultTaskDuration = 200 * time.Millisecond

func parse(args []string) (settings, error) {
	s := settings{urls: urlsFlag{}, scopedKeys: scopedKeysFlag{}, seed: rand.Uint64()}
	flags := s.flags()
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: there are only flags", flags.Arg(0))
	}
	return s, s.check()
}

// flags returns the flags, which the manual describes.
func (s *settings) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:0", "")
	flags.StringVar(&s.syncAddr, "sync-addr", "127.0.0.1:0", "")
	flags.StringVar(&s.eventsAddr, "events-addr", "127.0.0.1:0", "")
	flags.StringVar(&s.publicURL, "public-url", "", "")
	flags.BoolVar(&s.health, "health", false, "")
	flags.StringVar(&s.envFile, "env-file", "", "")

	flags.StringVar(&s.key, "key", "", "")
	flags.Var(s.scopedKeys, "scoped-key", "")
	flags.BoolVar(&s.anyKey, "any-key", false, "")
	flags.Var(&s.oauthClient, "oauth-client", "")
	flags.IntVar(&s.credits, "credits", -1, "")
	flags.IntVar(&s.parallel, "parallel", 0, "")
	flags.Var(&s.rate, "rate-limit", "")
	flags.Var(&s.whitelist, "whitelist", "")

	flags.DurationVar(&s.taskDuration, "task-duration", defaultTaskDuration, "")
	flags.DurationVar(&s.uploadSettle, "upload-settle", 0, "")
	flags.Var(s.urls, "urls", "")
	flags.StringVar(&s.objects, "objects", "", "")
	flags.BoolVar(&s.network, "network", false, "")
	flags.BoolVar(&s.strict, "strict", false, "")
	flags.BoolVar(&s.unconfined, "unconfined", false, "")

	flags.Var(&s.faults, "fault", "")
	flags.Uint64Var(&s.seed, "seed", s.seed, "")
	return flags
}

// plainKey matches keys that need no quotes in a shell.
var plainKey = regexp.MustCompile(`^([A-Za-z0-9._+/=-][A-Za-z0-9._~+/=-]*)?$`)

// checkKey returns an error for a key that the shell or the server would not take.
func checkKey(key string) error {
	switch {
	case !plainKey.MatchString(key):
		return errors.New("a key has letters, digits and . _ ~ + / = - only, and does not begin with ~")
	case strings.HasPrefix(key, "invalid"):
		return errors.New("a key that starts with invalid is always refused: use another one")
	}
	return nil
}

func (s *settings) check() error {
	if err := checkKey(s.key); err != nil {
		return fmt.Errorf("-key: %w", err)
	}
	_, twice := s.scopedKeys[s.key]
	switch {
	case twice:
		return errors.New("-scoped-key: the key of -key has all scopes: use another one")
	case s.parallel < 0 || s.credits < -1:
		return errors.New("-parallel and -credits: want a number that is not negative")
	case s.taskDuration < 0 || s.uploadSettle < 0:
		return errors.New("-task-duration and -upload-settle: want a time that is not negative")
	}
	return nil
}

// noEngineHint is the end of the message of a task that nothing can do.
func (s *settings) noEngineHint() string {
	if s.strict {
		return "no engine of the sandbox does this: without -strict the result may be a stand-in"
	}
	return "the sandbox has neither an engine nor a stand-in for this: GET /v2/operations lists what works"
}

// options returns the options of the server.
func (s *settings) options(stderr io.Writer) []cloudconverttest.Option {
	options := []cloudconverttest.Option{
		cloudconverttest.WithAddr(s.addr, s.syncAddr),
		cloudconverttest.WithEventsAddr(s.eventsAddr),
		cloudconverttest.WithOAuthClient(s.oauthClient.id, s.oauthClient.secret),
		cloudconverttest.WithPublicURL(s.publicURL),
		cloudconverttest.WithTaskDuration(s.taskDuration),
		cloudconverttest.WithUploadSettle(s.uploadSettle),
		cloudconverttest.WithParallelJobs(s.parallel),
		cloudconverttest.WithRateLimit(s.rate.limit, s.rate.window),
		cloudconverttest.WithObjects(s.objects),
		cloudconverttest.WithHints(s.noEngineHint(), "start it with -network, or give it a file for the URL with -urls"),
		cloudconverttest.WithLogger(slog.New(newJournal(stderr))),
		cloudconverttest.WithRequestLog(0),
	}
	if s.network {
		options = append(options, cloudconverttest.WithAnyHost())
	}
	if !s.strict {
		options = append(options, cloudconverttest.WithStandIns())
	}
	if s.key != "" {
		options = append(options, cloudconverttest.WithKey(s.key))
	}
	for key, scopes := range s.scopedKeys {
		options = append(options, cloudconverttest.WithKey(key, scopes...))
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
