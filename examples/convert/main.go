// Command convert converts files with CloudConvert: a single one, or whole
// directories, several files at a time. Run it with -h for its manual.
//
//	convert report.docx report.pdf
//	convert -to jpg -o out -resume journal photos
//
// It uses the API key in CLOUDCONVERT_API_KEY. Without one it starts a local
// sandbox in its own process and converts what that can.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/examples/internal/interrupt"
)

func main() {
	ctx, stop := interrupt.Context()
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
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
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s, err := parse(args)
	term := newTerminal(stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stderr, manual)
		return exitOK
	case err != nil:
		term.printf("convert: %v (convert -h shows the manual)", err)
		return exitUsage
	case s.isBatch():
		err = convertAll(ctx, s, stdout, term)
	default:
		err = convertOne(ctx, s, stdin, stdout, term)
	}
	if err != nil {
		term.printf("convert: %v", err)
		return exitFailed
	}
	return exitOK
}

// standard stands for standard input or output in place of a path.
const standard = "-"

// settings are what the command line asks for: one file with its destination,
// or many sources with a format.
type settings struct {
	source, destination string
	sources             []string // nil for a single file

	from, to    string // formats; from is empty for what the names say
	dir         string // empty for the directory of each source
	journal     string // empty for none
	concurrency int
	budget      int // 0 for none

	overwrite, delete bool
	options           optionFlags
	sandbox           bool
	region            string

	local bool // there is no API key: use a sandbox in this process
}

func (s *settings) isBatch() bool { return s.sources != nil }

func parse(args []string) (*settings, error) {
	s := &settings{options: optionFlags{}}
	flags := flag.NewFlagSet("convert", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.to, "to", "", "")
	flags.StringVar(&s.from, "from", "", "")
	flags.StringVar(&s.dir, "o", "", "")
	flags.StringVar(&s.journal, "resume", "", "")
	flags.IntVar(&s.concurrency, "n", 8, "")
	flags.IntVar(&s.budget, "budget", 0, "")
	flags.BoolVar(&s.overwrite, "overwrite", false, "")
	flags.BoolVar(&s.delete, "delete", false, "")
	flags.Var(s.options, "option", "")
	flags.BoolVar(&s.sandbox, "sandbox", false, "")
	flags.StringVar(&s.region, "region", "", "")
	arguments, err := parseAnywhere(flags, args)
	if err != nil {
		return nil, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err := s.checkFlags(given); err != nil {
		return nil, err
	}
	if s.to != "" && !slices.Contains(arguments, standard) {
		if s.sources = arguments; len(arguments) == 0 {
			return nil, errors.New("-to needs at least one file or directory")
		}
		return s, nil
	}
	return s, s.takeSingle(arguments, given)
}

// parseAnywhere parses flags before, between and after the arguments, up to a
// "--", and returns the arguments.
func parseAnywhere(flags *flag.FlagSet, args []string) ([]string, error) {
	var arguments []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		rest := flags.Args()
		ended := len(rest) < len(args) && args[len(args)-len(rest)-1] == "--"
		if ended || len(rest) == 0 {
			return append(arguments, rest...), nil
		}
		arguments, args = append(arguments, rest[0]), rest[1:]
	}
}

// checkFlags refuses values that no run could use.
func (s *settings) checkFlags(given map[string]bool) error {
	for _, flag := range []struct {
		name   string
		format *string
	}{{"to", &s.to}, {"from", &s.from}} {
		text := *flag.format
		*flag.format = normalFormat(text)
		if given[flag.name] && !formatName.MatchString(*flag.format) {
			return fmt.Errorf("-%s %q is not a format: use an extension such as pdf", flag.name, text)
		}
	}
	switch {
	case s.concurrency < 1:
		return fmt.Errorf("-n %d: convert at least one file at a time", s.concurrency)
	case given["budget"] && s.budget < 1:
		return fmt.Errorf("-budget %d: allow at least one credit", s.budget)
	case given["o"] && s.dir == "":
		return errors.New("-o is empty: use . for the current directory")
	case given["resume"] && s.journal == "":
		return errors.New("-resume is empty: name a file for the journal")
	default:
		return nil
	}
}

// batchFlags have no effect on a single file.
var batchFlags = []string{"o", "resume", "n", "budget"}

// takeSingle takes the arguments of a single file.
func (s *settings) takeSingle(arguments []string, given map[string]bool) error {
	for _, name := range batchFlags {
		if given[name] && slices.Contains(arguments, standard) {
			return fmt.Errorf("-%s is for many files, and - stands for a single one", name)
		}
		if given[name] {
			return fmt.Errorf("-%s is for many files: add -to FORMAT", name)
		}
	}
	if len(arguments) == 1 && arguments[0] == standard {
		arguments = append(arguments, standard)
	}
	if len(arguments) != 2 {
		return fmt.Errorf("want a source and a destination, got %s: to convert many files, add -to FORMAT", counted(len(arguments), "argument"))
	}
	s.source, s.destination = arguments[0], arguments[1]
	format := formatOf(s.destination)
	switch {
	case s.source == standard && s.from == "":
		return errors.New("standard input has no name that shows its format: add -from FORMAT")
	case isDirectory(s.source):
		return fmt.Errorf("%s is a directory: to convert the files in it, use -to FORMAT -o DIRECTORY", s.source)
	case s.from == "" && !isURL(s.source) && formatOf(s.source) == "":
		return fmt.Errorf("cannot tell the format of %q: add -from FORMAT", s.source)
	}
	switch {
	case s.destination == standard && s.to == "":
		return errors.New("standard output has no name that shows its format: add -to FORMAT")
	case s.destination == standard:
	case format == "":
		return fmt.Errorf("cannot tell the output format from %q: add an extension such as .pdf, or use -to FORMAT -o DIRECTORY", s.destination)
	case s.to == "":
		s.to = format
	case s.to != format:
		return fmt.Errorf("-to %s and the destination %q are different formats: change one", s.to, s.destination)
	}
	return nil
}

// counted returns a number with a noun, which is plural unless the number is 1.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprint(n, " ", noun)
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// request returns the job that converts a source.
func (s *settings) request(source cloudconvert.Source) *cloudconvert.JobRequest {
	return cloudconvert.Pipeline(source, cloudconvert.Convert{
		InputFormat: s.from, OutputFormat: s.to, Options: cloudconvert.Options(s.options),
	})
}

// runOptions are those of every job.
func (s *settings) runOptions() []cloudconvert.RunOption {
	var options []cloudconvert.RunOption
	if s.overwrite {
		options = append(options, cloudconvert.WithOverwrite())
	}
	if s.delete {
		options = append(options, cloudconvert.WithDelete())
	}
	return options
}

// optionFlags collects the parameters of the conversion.
type optionFlags cloudconvert.Options

// String returns "": there are no parameters by default.
func (o optionFlags) String() string { return "" }

// Set adds a parameter. Numbers are sent as text, which the service accepts
// for both, and which keeps a page range such as 1 what it is.
func (o optionFlags) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found || name == "" {
		return fmt.Errorf("want name=value, got %q", text)
	}
	if _, twice := o[name]; twice {
		return fmt.Errorf("%q is set twice", name)
	}
	switch value {
	case "true", "false":
		o[name] = value == "true"
	default:
		o[name] = value
	}
	return nil
}
