// Command bucket converts the objects of an S3 bucket whose results another bucket lacks:
//
//	bucket -to pdf -service-profile cloudconvert s3://documents/in s3://documents/out
//
// CloudConvert reads and writes the objects itself, and the bucket of the results is the
// journal: the same command continues where the last run ended, on any machine. Run it with
// -h for its manual. The README has the permissions that it needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := interruptible()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// interruptible returns a context that ends on SIGINT and SIGTERM.
func interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
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
		_, _ = io.WriteString(stderr, manual)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "bucket: %v (bucket -h shows the manual)\n", err)
		return exitUsage
	}
	c, err := connect(ctx, s)
	if err == nil {
		defer c.close()
		c.stdout, c.stderr = stdout, stderr
		err = c.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bucket:", printable(err.Error()))
		return exitFailed
	}
	return exitOK
}

// settings are those of the command line.
type settings struct {
	from, to       location
	format         string
	newer          bool
	dryRun         bool
	budget         int // 0 for none
	concurrency    int
	serviceProfile string
	fresh          bool
}

// location is a folder of a bucket.
type location struct {
	bucket string
	prefix string // empty, or ends in a slash
	region string // empty for that of the AWS configuration
}

// url returns the URL of an object.
func (l location) url(name string) string { return "s3://" + l.bucket + "/" + l.prefix + name }

var formatName = regexp.MustCompile(`^[a-z0-9]+(\.[a-z0-9]+)*$`)

func parse(args []string) (*settings, error) {
	s := new(settings)
	flags := flag.NewFlagSet("bucket", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.format, "to", "", "")
	flags.BoolVar(&s.newer, "newer", false, "")
	flags.BoolVar(&s.dryRun, "dry-run", false, "")
	flags.IntVar(&s.budget, "budget", 0, "")
	flags.IntVar(&s.concurrency, "concurrency", 8, "")
	flags.StringVar(&s.serviceProfile, "service-profile", "", "")
	flags.StringVar(&s.from.region, "from-region", "", "")
	flags.StringVar(&s.to.region, "to-region", "", "")
	flags.BoolVar(&s.fresh, "fresh", false, "")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() != 2 {
		return nil, fmt.Errorf("got %d arguments after the flags: want the source and the destination", flags.NArg())
	}
	s.format = normalFormat(s.format)
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case !formatName.MatchString(s.format):
		return nil, fmt.Errorf("-to %q is not a format: use an extension such as pdf", s.format)
	case given["budget"] && s.budget < 1:
		return nil, fmt.Errorf("-budget %d: allow at least one credit", s.budget)
	case s.concurrency < 1:
		return nil, fmt.Errorf("-concurrency %d: convert at least one object at a time", s.concurrency)
	case s.serviceProfile == "" && !s.dryRun:
		return nil, errors.New("-service-profile is missing: name the AWS profile whose credentials CloudConvert gets")
	}
	var err error
	for i, at := range []*location{&s.from, &s.to} {
		if at.bucket, at.prefix, err = cutURL(flags.Arg(i)); err != nil {
			return nil, err
		}
	}
	return s, s.checkOverlap()
}

// cutURL returns the bucket and the prefix of a URL, in which nothing is escaped.
func cutURL(url string) (bucket, prefix string, err error) {
	path, ok := strings.CutPrefix(url, "s3://")
	bucket, prefix, _ = strings.Cut(path, "/")
	if !ok || bucket == "" {
		return "", "", fmt.Errorf("%q does not name a bucket: use the form s3://BUCKET/FOLDER", url)
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return bucket, prefix, nil
}

// checkOverlap refuses a destination whose objects may be sources of the next run, which
// would convert its own results.
func (s *settings) checkOverlap() error {
	nested := strings.HasPrefix(s.from.prefix, s.to.prefix) || strings.HasPrefix(s.to.prefix, s.from.prefix)
	if s.from.bucket != s.to.bucket || !nested {
		return nil
	}
	return fmt.Errorf("%s and %s overlap, so that results would be converted: use two buckets, or two folders such as in and out",
		s.from.url(""), s.to.url(""))
}
