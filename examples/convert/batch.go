package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

// convertAll converts many files and says in the end which ones failed. The
// error is nil if none did.
func convertAll(ctx context.Context, s settings, stderr io.Writer) error {
	files, err := s.files()
	if err != nil {
		return err
	}
	if s.dir != "" {
		if err := os.MkdirAll(s.dir, 0o777); err != nil { //nolint:gosec // the umask decides
			return err
		}
	}
	client, closeClient, err := connect(s, stderr)
	if err != nil {
		return err
	}
	defer closeClient()
	lines := newLines(stderr, s.parallel, len(files))
	sum := summary{files: files, resumes: s.journal != ""}
	for result := range client.ConvertAll(ctx, items(files, s, lines), s.batchOptions()...) {
		lines.end(result.Conversion.Destination)
		sum.add(ctx, result)
	}
	lines.close()
	return sum.report(stderr)
}

// batchOptions are those of a whole batch.
func (s *settings) batchOptions() []cloudconvert.ConvertOption {
	options := append(s.convertOptions(), cloudconvert.WithConcurrency(s.parallel))
	if s.journal != "" {
		options = append(options, cloudconvert.WithJournal(s.journal))
	}
	return options
}

// items are the conversions of files.
func items(files []file, s settings, lines *lines) iter.Seq[cloudconvert.Conversion] {
	return func(yield func(cloudconvert.Conversion) bool) {
		for _, f := range files {
			item := cloudconvert.Conversion{
				Source: cloudconvert.FromFile(f.input), Destination: f.output, OutputFormat: s.format,
				Options: lines.options(f),
			}
			if isAddress(f.input) {
				item.Source = cloudconvert.FromURL(f.input)
			}
			if !yield(item) {
				return
			}
		}
	}
}

// summary is what became of the files.
type summary struct {
	files             []file
	resumes           bool // a further run goes on where this one ended
	converted, before int
	interrupted       int // begun, and not ended when the context did
	failures          []error
	broken            error // what concerns no single file
}

func (s *summary) add(ctx context.Context, result cloudconvert.Result) {
	output := result.Conversion.Destination
	switch {
	case output == "":
		s.broken = result.Err
	case ctx.Err() != nil && errors.Is(result.Err, ctx.Err()):
		s.interrupted++
	case result.Err != nil:
		i := slices.IndexFunc(s.files, func(f file) bool { return f.output == output })
		s.failures = append(s.failures, fmt.Errorf("%s: %w", s.files[i].input, friendly(result.Err, output)))
	case result.Job == nil:
		s.before++
	default:
		s.converted++
	}
}

// report prints the summary. The error is nil if all files are converted.
func (s *summary) report(out io.Writer) error {
	if s.broken != nil {
		return s.broken
	}
	for _, failure := range s.failures {
		fmt.Fprintln(out, failure)
	}
	notBegun := len(s.files) - s.converted - s.before - s.interrupted - len(s.failures)
	counts := []string{fmt.Sprint(s.converted, " converted")}
	for _, count := range []struct {
		n    int
		what string
	}{{s.before, "done before"}, {len(s.failures), "failed"}, {s.interrupted, "interrupted"}, {notBegun, "not begun"}} {
		if count.n > 0 {
			counts = append(counts, fmt.Sprint(count.n, " ", count.what))
		}
	}
	fmt.Fprintln(out, strings.Join(counts, ", "))
	switch {
	case s.resumes && s.interrupted+notBegun > 0:
		return errors.New("not all files were converted: run the same command again to go on")
	case s.converted+s.before < len(s.files):
		return errors.New("not all files were converted")
	default:
		return nil
	}
}
