package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cloudconvert/cloudconvert-go"
)

// convertOne converts one file, and prints where the result is.
func convertOne(ctx context.Context, s *settings, stdin io.Reader, stdout io.Writer, term *terminal) error {
	source, err := s.singleSource(stdin)
	if err != nil {
		return err
	}
	client, closeClient, err := connect(ctx, s, term)
	if err != nil {
		return err
	}
	defer closeClient()
	progress := newProgress(term, 1)
	defer progress.stop()
	reporting := cloudconvert.WithProgress(progress.report)
	f := file{name: source.String(), source: source, destination: s.destination}
	if s.source == standard {
		f.name = "standard input"
	}
	var paths []string
	if s.destination == standard {
		err = s.toStdout(ctx, client, source, stdout, reporting)
	} else {
		paths, err = client.RunFile(ctx, s.request(source), s.destination, append(s.runOptions(), reporting)...)
	}
	if failure := term.without(func() error { return printPaths(stdout, paths) }); failure != nil {
		return failure
	}
	switch {
	case err == nil:
		return nil
	case len(paths) > 0:
		return fmt.Errorf("%s: %s%s", f.name, written, s.explain(err, f))
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return errors.New("interrupted: " + s.explain(err, f))
	default:
		return fmt.Errorf("%s: %s", f.name, s.explain(err, f))
	}
}

// written is what goes before a failure that left the files in place.
const written = "converted and saved, but then something failed: "

// singleSource returns the source that was named.
func (s *settings) singleSource(stdin io.Reader) (cloudconvert.Source, error) {
	switch {
	case s.source == standard:
		return cloudconvert.FromReader("stdin."+s.from, stdin), nil
	case isURL(s.source):
		return cloudconvert.FromURL(s.source), nil
	}
	if _, err := os.Stat(s.source); err != nil {
		return cloudconvert.Source{}, fmt.Errorf("%s: %s", s.source, reasonOf(err))
	}
	return s.sourceOf(s.source), nil
}

// unwrittenError is a finished job whose file did not get to standard output.
type unwrittenError struct {
	job string // its id
	err error
}

func (e *unwrittenError) Error() string { return "job " + e.job + " was not written: " + e.err.Error() }
func (e *unwrittenError) Unwrap() error { return e.err }

// toStdout writes the result to standard output.
func (s *settings) toStdout(ctx context.Context, client *cloudconvert.Client, source cloudconvert.Source, stdout io.Writer, reporting cloudconvert.RunOption) error {
	job, err := client.Run(ctx, s.request(source), reporting)
	if err != nil {
		return err
	}
	files := job.Files()
	if len(files) != 1 {
		return &unwrittenError{job.ID, fmt.Errorf("there are %d files, and standard output takes one: name a destination", len(files))}
	}
	if _, err := client.Download(ctx, files[0], stdout); err != nil {
		return &unwrittenError{job.ID, err}
	}
	if s.delete {
		return client.Jobs.Delete(ctx, job.ID)
	}
	return nil
}

// printPaths prints paths, one on a line.
func printPaths(stdout io.Writer, paths []string) error {
	for _, path := range paths {
		if _, err := fmt.Fprintln(stdout, path); err != nil {
			return fmt.Errorf("cannot write to standard output: %w", err)
		}
	}
	return nil
}
