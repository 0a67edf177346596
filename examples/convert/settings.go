package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

// settings are what the command line asks for: one file with its output, or
// many files with a format.
type settings struct {
	input, output string

	inputs   []string
	from     string // empty for what the name of each input says
	format   string // empty for one file
	dir      string // empty for the directory of each input
	passed   int    // files in directories that have the format already
	parallel int
	journal  string // empty for none

	sandbox   bool
	region    string
	overwrite bool
	options   optionFlags
}

func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{options: optionFlags{}}
	flags := flag.NewFlagSet("convert", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&s.sandbox, "sandbox", false, "use the hosted sandbox, which takes a key of its own")
	flags.StringVar(&s.region, "region", "", "process in a `region`: eu-central or us-east")
	flags.Var(s.options, "option", "set a parameter of the conversion as `name=value`; may be repeated")
	flags.BoolVar(&s.overwrite, "overwrite", false, "replace the output file if it exists")
	flags.StringVar(&s.from, "from", "", "take the inputs to be of a `format`, whatever their names say")
	flags.StringVar(&s.format, "to", "", "convert all inputs to a `format`: files, patterns, directories and addresses")
	flags.StringVar(&s.dir, "o", "", "put the output files into a `directory`, which is made if need be; by default they are beside the inputs")
	flags.IntVar(&s.parallel, "j", 8, "convert so many files at a time")
	flags.StringVar(&s.journal, "resume", "", "keep a journal in a `file`: run again with it to go on where a run ended")
	files, err := parseAnywhere(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: convert [flags] input output")
		fmt.Fprintln(stderr, "       convert [flags] -to format input...")
		flags.PrintDefaults()
		return s, err
	}
	if err != nil {
		return s, err
	}
	return s, s.take(files)
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

// take takes the arguments, and refuses flags that would have no effect.
func (s *settings) take(files []string) error {
	s.format = strings.ToLower(strings.TrimPrefix(s.format, "."))
	switch {
	case s.format == "" && (s.dir != "" || s.journal != ""):
		return errors.New("-o and -resume are for many files: add -to format")
	case s.parallel < 1:
		return fmt.Errorf("-j %d: at least one file at a time", s.parallel)
	case s.format != "" && len(files) == 0:
		return errors.New("-to needs at least one input file")
	case s.format != "":
		s.inputs = files
	case len(files) != 2:
		return fmt.Errorf("want an input and an output file, got %d arguments: convert [flags] input output", len(files))
	default:
		s.input, s.output = files[0], files[1]
	}
	return nil
}

// checkName refuses an input whose format nothing tells.
func (s *settings) checkName(input string) error {
	if s.from == "" && !isAddress(input) && filepath.Ext(input) == "" {
		return fmt.Errorf("the name of %s does not tell its format: add -from format", input)
	}
	return nil
}

// optionFlags collects the parameters of the conversion.
type optionFlags cloudconvert.Options

// String returns "": there are no parameters by default.
func (o optionFlags) String() string { return "" }

// Set takes one parameter. Numbers are sent as text, which the service takes
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
