package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	_ "image/jpeg" // to look at results
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "CLOUDCONVERT_") {
			if err := os.Unsetenv(name); err != nil {
				os.Exit(1)
			}
		}
	}
	goleak.VerifyTestMain(m)
}

// photo is an image of 60x40 pixels as PNG.
func photo(t *testing.T) []byte {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, image.NewRGBA(image.Rect(0, 0, 60, 40))))
	return file.Bytes()
}

// album returns a directory with the photo under several names.
func album(t *testing.T, names ...string) string {
	t.Helper()
	dir, content := t.TempDir(), photo(t)
	for _, name := range names {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, content, 0o600))
}

// filesBelow returns the paths of all files below a directory, with slashes.
func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	files := []string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			path, err = filepath.Rel(dir, path)
			files = append(files, filepath.ToSlash(path))
		}
		return err
	}))
	return files
}

// output is what the command printed.
type output struct {
	code           int
	stdout, stderr string
}

// command runs the command with arguments in which $ stands for a directory. In the
// output, the directory is $ again, with slashes.
func command(ctx context.Context, dir string, args ...string) output {
	return commandWithInput(ctx, dir, strings.NewReader(""), args...)
}

func commandWithInput(ctx context.Context, dir string, stdin io.Reader, args ...string) output {
	var stdout, stderr bytes.Buffer
	all := make([]string, len(args))
	for i := range args {
		all[i] = strings.ReplaceAll(args[i], "$", dir)
	}
	code := run(ctx, all, stdin, &stdout, &stderr)
	return output{code, relative(stdout.String(), dir), relative(stderr.String(), dir)}
}

func relative(text, dir string) string {
	if dir == "" {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, dir, "$"), `\`, "/")
}

// paths returns the lines of standard output.
func (o output) paths() []string { return strings.Fields(o.stdout) }

var (
	jobID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
	elapsed = regexp.MustCompile(`, time: \d+:\d+`)
	used    = regexp.MustCompile(`, credits used: \d+`)
)

// messages returns standard error without what differs between runs and between machines.
func (o output) messages() string {
	text := jobID.ReplaceAllString(o.stderr, "ID")
	text = used.ReplaceAllString(elapsed.ReplaceAllString(text, ""), "")
	if first, rest, found := strings.Cut(text, "\n"); found && strings.Contains(first, "local sandbox") {
		return rest
	}
	return text
}

// serverFor returns a sandbox that the command uses like the service.
func serverFor(t *testing.T, opts ...cloudconverttest.Option) *cloudconverttest.Server {
	t.Helper()
	server := cloudconverttest.NewServer(opts...)
	t.Cleanup(server.Close)
	t.Setenv("CLOUDCONVERT_API_KEY", server.Key())
	t.Setenv("CLOUDCONVERT_API_URL", server.URL)
	t.Setenv("CLOUDCONVERT_SYNC_URL", server.SyncURL)
	return server
}

// brokenPipe is an output that accepts nothing.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestUsage(t *testing.T) {
	t.Parallel()
	dir := album(t, "sub/a.png")
	for name, c := range map[string]struct {
		args, message string
	}{
		"nothing":                    {"", "got 0 arguments"},
		"no destination":             {"a.png", "got 1 argument: to convert many files, add -to FORMAT"},
		"too much":                   {"a.png b.jpg c.jpg", "got 3 arguments"},
		"unknown flag":               {"-fast a.png b.jpg", "-fast"},
		"option without value":       {"-option quality a.png b.jpg", "want name=value"},
		"option without name":        {"-option =1 a.png b.jpg", "want name=value"},
		"option twice":               {"-option a=1 -option a=2 a.png b.jpg", "set twice"},
		"overwrite without a bool":   {"-overwrite=perhaps a.png b.jpg", "-overwrite"},
		"no source":                  {"-to jpg", "-to needs at least one file or directory"},
		"directory for one file":     {"-o out a.png b.jpg", "-o is for many files: add -to FORMAT"},
		"journal for one file":       {"-resume journal a.png b.jpg", "-resume is for many files: add -to FORMAT"},
		"budget for standard output": {"-to jpg -budget 4 a.png -", "-budget is for many files, and - stands for a single one"},
		"none concurrently":          {"-to jpg -n 0 a.png", "-n 0: convert at least one file"},
		"no number concurrently":     {"-to jpg -n many a.png", "-n"},
		"no budget":                  {"-to jpg -budget 0 a.png", "-budget 0: allow at least one credit"},
		"empty directory":            {"-to jpg -o= a.png", "-o is empty"},
		"empty journal":              {"-to jpg -resume= a.png", "-resume is empty"},
		"format with a slash":        {"-to a/b a.png", `-to "a/b" is not a format`},
		"empty format":               {"-from= a.png b.jpg", `-from "" is not a format`},
		"input without format":       {"-to pdf - -", "add -from FORMAT"},
		"output without format":      {"-from png - -", "add -to FORMAT"},
		"source without format":      {"README b.pdf", `cannot tell the format of "README": add -from FORMAT`},
		"destination without format": {"a.png b", `cannot tell the output format from "b": add an extension such as .pdf`},
		"destination is a directory": {"a.png out/", "use -to FORMAT -o DIRECTORY"},
		"source is a directory":      {"$/sub out.jpg", "is a directory: to convert the files in it, use -to FORMAT -o DIRECTORY"},
		"two formats":                {"-to pdf -from png - a.jpg", "are different formats"},
		"standard input of many":     {"-to pdf -from png - a.png b.png", "got 3 arguments"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := command(t.Context(), dir, strings.Fields(c.args)...)
			assert.Equal(t, exitUsage, got.code)
			assert.Empty(t, got.stdout)
			assert.True(t, strings.HasPrefix(got.stderr, "convert: "), got.stderr)
			assert.Contains(t, got.stderr, c.message)
			assert.True(t, strings.HasSuffix(got.stderr, " (convert -h shows the manual)\n"), got.stderr)
			assert.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
		})
	}
}

func TestManualNamesEveryFlag(t *testing.T) {
	t.Parallel()
	got := command(t.Context(), "", "-h")
	assert.Equal(t, exitOK, got.code)
	assert.Empty(t, got.stdout)
	assert.Equal(t, manual, got.stderr)
	for _, flag := range []string{"to", "from", "o", "resume", "n", "budget", "overwrite", "delete", "option", "region", "sandbox", "h"} {
		assert.Regexp(t, `(?m)^  -`+flag+` `, got.stderr)
	}
	for line := range strings.Lines(manual) {
		assert.LessOrEqual(t, len(line), 81, line)
	}
}

func TestFlagsMayFollowTheFiles(t *testing.T) {
	t.Parallel()
	s, err := parse([]string{"a.png", "-to", ".JPG", "b.png", "-n", "1", "--", "-c.png"})
	require.NoError(t, err)
	assert.Equal(t, []string{"a.png", "b.png", "-c.png"}, s.sources)
	assert.Equal(t, "jpg", s.to)
	assert.Equal(t, 1, s.concurrency)
}

func TestOptionsKeepTheirText(t *testing.T) {
	t.Parallel()
	s, err := parse([]string{"-option", "pages=1", "-option", "crop=true", "-option", "title=a=b", "a.png", "b.jpg"})
	require.NoError(t, err)
	assert.Equal(t, optionFlags{"pages": "1", "crop": true, "title": "a=b"}, s.options)
}
