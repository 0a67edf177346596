package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

// settings are what the command line asks for: one file with its output, or
// many files with a format.
type settings struct {
	input, output string

	inputs   []string
	format   string // empty for one file
	dir      string // empty for the directory of each input
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
	flags.StringVar(&s.format, "to", "", "convert all inputs to a `format`: files, patterns, directories and addresses")
	flags.StringVar(&s.dir, "o", "", "put the output files into a `directory`, which is made if need be; by default they are beside the inputs")
	flags.IntVar(&s.parallel, "j", 8, "convert so many files at a time")
	flags.StringVar(&s.journal, "resume", "", "keep a journal in a `file`: run again with it to go on where a run ended")
	err := flags.Parse(args)
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
	return s, s.take(flags)
}

// take takes the arguments, and refuses flags that would have no effect.
func (s *settings) take(flags *flag.FlagSet) error {
	s.format = strings.ToLower(strings.TrimPrefix(s.format, "."))
	switch {
	case s.format == "" && (s.dir != "" || s.journal != ""):
		return errors.New("-o and -resume are for many files: add -to format")
	case s.parallel < 1:
		return fmt.Errorf("-j %d: at least one file at a time", s.parallel)
	case s.format != "" && flags.NArg() == 0:
		return errors.New("-to needs at least one input file")
	case s.format != "":
		s.inputs = flags.Args()
	case flags.NArg() != 2:
		return fmt.Errorf("want an input and an output file, got %d arguments: convert [flags] input output", flags.NArg())
	default:
		s.input, s.output = flags.Arg(0), flags.Arg(1)
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
