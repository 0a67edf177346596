package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	_ "image/jpeg" // to look at results
	"image/png"
	"os"
	"path/filepath"
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

// folder is a directory with a picture of 60x40 pixels, photo.png.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "photo.png"))
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, image.NewRGBA(image.Rect(0, 0, 60, 40))))
	require.NoError(t, f.Close())
	return dir
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

// runIn runs the command with arguments in which $ stands for a directory.
func runIn(ctx context.Context, dir string, args ...string) (code int, stderr string) {
	code, _, stderr = runFor(ctx, dir, args...)
	return code, stderr
}

// runFor is runIn for those who look at the results.
func runFor(ctx context.Context, dir string, args ...string) (code int, stdout, stderr string) {
	var results, out bytes.Buffer
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "$", dir)
	}
	code = run(ctx, args, &results, &out)
	return code, results.String(), out.String()
}

// full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	output := filepath.Join(dir, "photo.jpg")
	var stderr bytes.Buffer
	assert.Equal(t, exitFailed, run(t.Context(), []string{filepath.Join(dir, "photo.png"), output}, full{}, &stderr))
	assert.Contains(t, stderr.String(), "convert: no space left\n")
	assert.FileExists(t, output)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    []string
		message string
	}{
		"nothing":         {nil, "got 0 arguments"},
		"no output":       {[]string{"a.png"}, "got 1 arguments"},
		"too much":        {[]string{"a.png", "b.jpg", "c.jpg"}, "got 3 arguments"},
		"unknown flag":    {[]string{"-fast", "a.png", "b.jpg"}, "-fast"},
		"option":          {[]string{"-option", "quality", "a.png", "b.jpg"}, "want name=value"},
		"option twice":    {[]string{"-option", "a=1", "-option", "a=2", "a.png", "b.jpg"}, "set twice"},
		"no name":         {[]string{"-option", "=1", "a.png", "b.jpg"}, "want name=value"},
		"overwrite wrong": {[]string{"-overwrite=perhaps", "a.png", "b.jpg"}, "-overwrite"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			code, stderr := runIn(t.Context(), dir, c.args...)
			assert.Equal(t, exitUsage, code)
			assert.Contains(t, stderr, "convert: ")
			assert.Contains(t, stderr, c.message)
			assert.True(t, strings.HasSuffix(stderr, " (convert -h tells more)\n"), stderr)
			assert.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	code, stderr := runIn(t.Context(), "", "-help")
	assert.Equal(t, exitOK, code)
	assert.Contains(t, stderr, "usage: convert [flags] input output")
	assert.Contains(t, stderr, "-overwrite")
}

func TestFailuresLeaveNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    []string
		message string
	}{
		"no input file":       {[]string{"$/none.png", "$/out.jpg"}, "none.png"},
		"input is a folder":   {[]string{"$", "$/out.jpg"}, ""},
		"unsupported":         {[]string{"$/photo.png", "$/out.epub"}, "INVALID_CONVERSION_TYPE"},
		"no extension":        {[]string{"$/photo.png", "$/out"}, "no extension"},
		"no folder":           {[]string{"$/photo.png", "$/none/out.jpg"}, "cannot be written"},
		"output is a folder":  {[]string{"-overwrite", "$/photo.png", "$"}, ""},
		"broken picture":      {[]string{"$/broken.png", "$/out.jpg"}, "OPEN_FAILED"},
		"sandbox needs a key": {[]string{"-sandbox", "$/photo.png", "$/out.jpg"}, "need an API key"},
		"region needs a key":  {[]string{"-region", "eu-central", "$/photo.png", "$/out.jpg"}, "need an API key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "broken.png"), []byte("no picture"), 0o600))
			code, stderr := runIn(t.Context(), dir, c.args...)
			assert.Equal(t, exitFailed, code)
			assert.Contains(t, stderr, "convert: ")
			assert.Contains(t, stderr, c.message)
			assert.Equal(t, []string{"broken.png", "photo.png"}, filesIn(t, dir))
		})
	}
}

func TestExistingOutput(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	output := filepath.Join(dir, "out.jpg")
	require.NoError(t, os.WriteFile(output, []byte("mine"), 0o600))
	code, stderr := runIn(t.Context(), dir, "$/photo.png", "$/out.jpg")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "out.jpg exists already: use -overwrite to replace it\n")
	content, err := os.ReadFile(output)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(content))

	code, stderr = runIn(t.Context(), dir, "-overwrite", "$/photo.png", "$/out.jpg")
	assert.Equal(t, exitOK, code, stderr)
	assert.Equal(t, image.Pt(60, 40), sizeOf(t, output))
	assert.Equal(t, []string{"out.jpg", "photo.png"}, filesIn(t, dir))
}

func sizeOf(t *testing.T, path string) image.Point {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	size, _, err := image.DecodeConfig(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return image.Pt(size.Width, size.Height)
}

func TestConvert(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		size image.Point
	}{
		"as it is": {[]string{"$/photo.png", "$/out.jpg"}, image.Pt(60, 40)},
		"smaller":  {[]string{"-option", "width=30", "-option", "quality=50", "$/photo.png", "$/out.jpg"}, image.Pt(30, 20)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			code, stdout, stderr := runFor(t.Context(), dir, c.args...)
			require.Equal(t, exitOK, code, stderr)
			assert.Equal(t, filepath.Join(dir, "out.jpg")+"\n", stdout)
			assert.Contains(t, stderr, "No CLOUDCONVERT_API_KEY is set: using a local sandbox, ")
			assert.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
			assert.Equal(t, c.size, sizeOf(t, filepath.Join(dir, "out.jpg")))
			assert.Equal(t, []string{"out.jpg", "photo.png"}, filesIn(t, dir))
		})
	}
}

func TestConvertToPDF(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	code, stderr := runIn(t.Context(), dir, "$/photo.png", "$/out.pdf")
	require.Equal(t, exitOK, code, stderr)
	content, err := os.ReadFile(filepath.Join(dir, "out.pdf"))
	require.NoError(t, err)
	assert.Equal(t, "%PDF-", string(content[:5]))
}

func TestSeveralResults(t *testing.T) { //nolint:paralleltest // it sets the environment.
	server := serverFor(t)
	server.HandleConvert("png", "gif", func(_ context.Context, run *cloudconverttest.Run) error {
		return errors.Join(run.Write("1.gif", []byte("GIF89a")), run.Write("2.gif", []byte("GIF89a")))
	})
	dir := folder(t)
	code, stdout, stderr := runFor(t.Context(), dir, "$/photo.png", "$/my.own.gif")
	assert.Equal(t, exitOK, code, stderr)
	assert.Equal(t, filepath.Join(dir, "my.own-1.gif")+"\n"+filepath.Join(dir, "my.own-2.gif")+"\n", stdout)
	assert.Equal(t, []string{"my.own-1.gif", "my.own-2.gif", "photo.png"}, filesIn(t, dir))
}

// serverFor is a sandbox that the command uses like the service.
func serverFor(t *testing.T) *cloudconverttest.Server {
	t.Helper()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	t.Setenv("CLOUDCONVERT_API_KEY", server.Key())
	t.Setenv("CLOUDCONVERT_API_URL", server.URL)
	t.Setenv("CLOUDCONVERT_SYNC_URL", server.SyncURL)
	return server
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := folder(t)
	code, stderr := runIn(ctx, dir, "$/photo.png", "$/out.jpg")
	assert.Equal(t, exitFailed, code, stderr)
	assert.Equal(t, []string{"photo.png"}, filesIn(t, dir))
}
