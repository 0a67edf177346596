package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

// settings are what the command line asks for.
type settings struct {
	input, output string
	sandbox       bool
	region        string
	overwrite     bool
	options       optionFlags
}

func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{options: optionFlags{}}
	flags := flag.NewFlagSet("convert", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&s.sandbox, "sandbox", false, "use the hosted sandbox, which takes a key of its own")
	flags.StringVar(&s.region, "region", "", "process in a `region`: eu-central or us-east")
	flags.Var(s.options, "option", "set a parameter of the conversion as `name=value`; may be repeated")
	flags.BoolVar(&s.overwrite, "overwrite", false, "replace the output file if it exists")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: convert [flags] input output")
		flags.PrintDefaults()
		return s, err
	}
	if err != nil {
		return s, err
	}
	if flags.NArg() != 2 {
		return s, fmt.Errorf("want an input and an output file, got %d arguments: convert [flags] input output", flags.NArg())
	}
	s.input, s.output = flags.Arg(0), flags.Arg(1)
	return s, nil
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
