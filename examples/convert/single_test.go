package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func sizeOf(t *testing.T, file []byte) image.Point {
	t.Helper()
	size, format, err := image.DecodeConfig(bytes.NewReader(file))
	require.NoError(t, err)
	assert.Equal(t, "jpeg", format)
	return image.Pt(size.Width, size.Height)
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return content
}

func TestConvertOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args, destination string
		size              image.Point
	}{
		"as it is":            {"$/photo.png $/out.jpg", "$/out.jpg", image.Pt(60, 40)},
		"smaller":             {"-option width=30 -option quality=50 $/photo.png $/out.jpg", "$/out.jpg", image.Pt(30, 20)},
		"into new directory":  {"$/photo.png $/new/deep/out.jpg", "$/new/deep/out.jpg", image.Pt(60, 40)},
		"without extension":   {"-from png $/README $/out.jpeg", "$/out.jpeg", image.Pt(60, 40)},
		"with a wrong name":   {"-from png $/wrong.gif $/out.jpg", "$/out.jpg", image.Pt(60, 40)},
		"with both formats":   {"-from png -to jpg - $/out.jpg", "$/out.jpg", image.Pt(60, 40)},
		"from standard input": {"-from png - $/out.jpg", "$/out.jpg", image.Pt(60, 40)},
		"deleted afterwards":  {"-delete $/photo.png $/out.jpg", "$/out.jpg", image.Pt(60, 40)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := album(t, "photo.png", "README", "wrong.gif")
			got := commandWithInput(t.Context(), dir, bytes.NewReader(photo(t)), strings.Fields(c.args)...)
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.Equal(t, c.destination+"\n", got.stdout)
			assert.True(t, strings.HasPrefix(got.stderr, "No CLOUDCONVERT_API_KEY is set: using a local sandbox, "), got.stderr)
			assert.Empty(t, got.messages())
			assert.Equal(t, c.size, sizeOf(t, readFile(t, strings.ReplaceAll(c.destination, "$", dir))))
			assert.Len(t, filesBelow(t, dir), 4)
		})
	}
}

func TestStandardOutputHasTheFileOnly(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]string{
		"both":               "-from png -to jpg - -",
		"one dash for both":  "-from png -to jpg -",
		"output":             "-to jpg $/photo.png -",
		"deleted afterwards": "-delete -to jpg $/photo.png -",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := album(t, "photo.png")
			got := commandWithInput(t.Context(), dir, bytes.NewReader(photo(t)), strings.Fields(args)...)
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.Empty(t, got.messages())
			assert.Equal(t, []string{"photo.png"}, filesBelow(t, dir))
			assert.True(t, strings.HasPrefix(got.stdout, "\xff\xd8\xff"), "a JPEG")
		})
	}
}

func TestDeleteLeavesNothingOnTheService(t *testing.T) { //nolint:paralleltest // it sets the environment.
	for name, args := range map[string]string{ //nolint:paralleltest // as above.
		"one file": "$/photo.png $/out.jpg", "standard output": "-to jpg $/photo.png -", "many files": "-to jpg $/photo.png",
	} {
		t.Run(name, func(t *testing.T) {
			server := serverFor(t)
			dir := album(t, "photo.png")
			got := command(t.Context(), dir, append(strings.Fields(args), "-delete")...)
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.Empty(t, server.Jobs())
		})
	}
}

func TestFailuresLeaveNoFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    string
		message string
	}{
		"no source file":        {"$/none.png $/out.jpg", "$/none.png: no such file or directory\n"},
		"unsupported":           {"$/photo.png $/out.epub", "$/photo.png: png cannot be converted to epub (INVALID_CONVERSION_TYPE, job ID)\n"},
		"broken image":          {"$/broken.png $/out.jpg", "if the file has another format than its name says, use -from FORMAT (OPEN_FAILED, job ID)\n"},
		"file for a directory":  {"$/photo.png $/photo.png/out.jpg", "cannot be written"},
		"directory in the way":  {"-overwrite $/photo.png $/dir.jpg", "is a directory: name a file"},
		"sandbox without a key": {"-sandbox $/photo.png $/out.jpg", "-sandbox and -region need an API key"},
		"region without a key":  {"-region eu-central $/photo.png $/out.jpg", "-sandbox and -region need an API key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := album(t, "photo.png", "dir.jpg/x.png")
			write(t, filepath.Join(dir, "broken.png"), []byte("not an image"))
			got := command(t.Context(), dir, strings.Fields(c.args)...)
			assert.Equal(t, exitFailed, got.code)
			assert.Empty(t, got.stdout)
			assert.Contains(t, got.messages(), c.message)
			assert.Equal(t, 1, strings.Count(got.messages(), "\n"), got.stderr)
			assert.Equal(t, []string{"broken.png", "dir.jpg/x.png", "photo.png"}, filesBelow(t, dir))
		})
	}
}

func TestExistingFileIsKept(t *testing.T) {
	t.Parallel()
	dir := album(t, "photo.png")
	write(t, filepath.Join(dir, "out.jpg"), []byte("mine"))
	got := command(t.Context(), dir, "$/photo.png", "$/out.jpg")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "convert: $/photo.png: $/out.jpg already exists: use -overwrite to replace it\n", got.messages())
	assert.Equal(t, "mine", string(readFile(t, filepath.Join(dir, "out.jpg"))))

	got = command(t.Context(), dir, "-overwrite", "$/photo.png", "$/out.jpg")
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, image.Pt(60, 40), sizeOf(t, readFile(t, filepath.Join(dir, "out.jpg"))))
}

// twoFiles is a conversion that makes two files.
func twoFiles(_ context.Context, run *cloudconverttest.Run) error {
	return errors.Join(run.Write("page-1.gif", []byte("GIF89a")), run.Write("page-2.gif", []byte("GIF89a")))
}

func TestSeveralResults(t *testing.T) { //nolint:paralleltest // it sets the environment.
	server := serverFor(t)
	server.HandleConvert("png", "gif", twoFiles)
	dir := album(t, "photo.png")
	got := command(t.Context(), dir, "$/photo.png", "$/my.own.gif")
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, []string{"$/my.own-1.gif", "$/my.own-2.gif"}, got.paths())
	assert.Equal(t, []string{"my.own-1.gif", "my.own-2.gif", "photo.png"}, filesBelow(t, dir))

	got = command(t.Context(), dir, "-to", "gif", "$/photo.png", standard)
	assert.Equal(t, exitFailed, got.code)
	assert.Empty(t, got.stdout)
	assert.Contains(t, got.messages(), "converted, but not saved: there are 2 files, and standard output takes one: name a destination. The files stay on the service for 24 hours, in job ID")
}

func TestPaidFileThatIsInTheWay(t *testing.T) { //nolint:paralleltest // it sets the environment.
	server := serverFor(t)
	server.HandleConvert("png", "gif", twoFiles)
	dir := album(t, "photo.png", "out-2.gif")
	got := command(t.Context(), dir, "$/photo.png", "$/out.gif")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "convert: $/photo.png: converted, but not saved: $/out-2.gif already exists: use -overwrite to replace it. "+
		"The files stay on the service for 24 hours, in job ID; another conversion is charged again\n", got.messages())
	assert.Equal(t, []string{"out-2.gif", "photo.png"}, filesBelow(t, dir))
}

func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]string{
		"path": "$/photo.png $/out.jpg", "file": "-to jpg $/photo.png -", "paths": "-to jpg $/photo.png",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := album(t, "photo.png")
			var stderr bytes.Buffer
			all := strings.Fields(strings.ReplaceAll(args, "$", dir))
			assert.Equal(t, exitFailed, run(t.Context(), all, strings.NewReader(""), brokenPipe{}, &stderr))
			assert.Contains(t, stderr.String(), "broken pipe")
		})
	}
}

func TestInterruptedBeforeStart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := album(t, "photo.png")
	got := command(ctx, dir, "$/photo.png", "$/out.jpg")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "convert: interrupted: nothing was saved\n", got.messages())
	assert.Equal(t, []string{"photo.png"}, filesBelow(t, dir))
}

func TestInterruptedConversion(t *testing.T) { //nolint:paralleltest // it sets the environment.
	_, begun, _ := slowServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	dir := album(t, "photo.png")
	got := command(ctx, dir, "$/photo.png", "$/out.jpg")
	assert.Equal(t, exitFailed, got.code)
	assert.True(t, strings.HasPrefix(got.stderr, "convert: interrupted: "), got.stderr)
	assert.Contains(t, got.stderr, "charged")
	assert.NotRegexp(t, codeWords, got.stderr)
	assert.Equal(t, []string{"photo.png"}, filesBelow(t, dir))
}

func TestInterruptedWhileStandardInputIsSilent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	stdin, writer := io.Pipe()
	go func() {
		_, _ = writer.Write([]byte("the beginning"))
		cancel()
	}()
	got := commandWithInput(ctx, t.TempDir(), stdin, "-from", "png", "-to", "jpg", standard)
	assert.Equal(t, exitFailed, got.code)
	assert.True(t, strings.HasPrefix(got.messages(), "convert: interrupted"), got.stderr)
	require.NoError(t, writer.Close())
}
