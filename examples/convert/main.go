// Command convert converts a file to another format, which it takes from the
// name of the output file, and prints where the result is:
//
//	convert report.docx report.pdf
//	convert -option quality=70 photo.png photo.jpg
//
// Or it converts many files, several at a time. An input may also be a pattern,
// an address, or a directory, which stands for the files in it:
//
//	convert -to jpg *.png
//	convert -to pdf -o out -resume batch.journal docs 'more/*.docx'
//
// It uses the API key in CLOUDCONVERT_API_KEY. Without one it starts a local
// sandbox and converts what that can.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/examples/internal/ending"
)

func main() {
	ctx, stop := ending.Context()
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

// run is the command. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	settings, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "convert: %v (convert -h tells more)\n", err)
		return exitUsage
	case settings.format != "":
		err = convertAll(ctx, settings, stderr)
	default:
		err = convert(ctx, settings, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "convert:", err)
		return exitFailed
	}
	return exitOK
}

// convert converts one file, and prints where the result is.
func convert(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	if err := s.checkName(s.input); err != nil {
		return err
	}
	client, closeClient, err := connect(s, stderr)
	if err != nil {
		return err
	}
	defer closeClient()
	options, finish := progressBar(stderr)
	job, err := client.ConvertFile(ctx, s.input, s.output, append(options, s.convertOptions()...)...)
	finish()
	if err != nil {
		return friendly(err, s.output)
	}
	for _, path := range outputs(s.output, len(job.Files())) {
		if _, err := fmt.Fprintln(stdout, path); err != nil {
			return err
		}
	}
	return nil
}

// outputs are the files that a conversion to a path has made: several ones are
// numbered.
func outputs(path string, n int) []string {
	if n == 1 {
		return []string{path}
	}
	extension := filepath.Ext(path)
	var paths []string
	for i := range n {
		paths = append(paths, fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, extension), i+1, extension))
	}
	return paths
}

// convertOptions are those of every conversion.
func (s *settings) convertOptions() []cloudconvert.ConvertOption {
	options := []cloudconvert.ConvertOption{cloudconvert.WithOptions(cloudconvert.Options(s.options))}
	if s.from != "" {
		options = append(options, cloudconvert.WithInputFormat(s.from))
	}
	if s.overwrite {
		options = append(options, cloudconvert.WithOverwrite())
	}
	return options
}

// friendly says what to do in the words of this command.
func friendly(err error, output string) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already: use -overwrite to replace it", output)
	}
	return err
}
