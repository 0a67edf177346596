package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// album is a directory with a picture under several names.
func album(t *testing.T, names ...string) string {
	t.Helper()
	photo, err := os.ReadFile(filepath.Join(folder(t), "photo.png"))
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range names {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), photo, 0o600))
	}
	return dir
}

// tree returns the files below a directory.
func tree(t *testing.T, dir string) []string {
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

func TestBatchUsage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    []string
		message string
	}{
		"no input":            {[]string{"-to", "jpg"}, "-to needs at least one input file"},
		"directory only":      {[]string{"-o", "out", "a.png", "b.jpg"}, "add -to format"},
		"journal only":        {[]string{"-resume", "journal", "a.png", "b.jpg"}, "add -to format"},
		"none at a time":      {[]string{"-to", "jpg", "-j", "0", "a.png"}, "at least one file at a time"},
		"no number at a time": {[]string{"-to", "jpg", "-j", "many", "a.png"}, "-j"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stderr := runIn(t.Context(), "", c.args...)
			assert.Equal(t, exitUsage, code)
			assert.Contains(t, stderr, c.message)
			assert.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		})
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	names := []string{"a.png", "b.PNG", "c d.png", "sub/e.png", "sub/f.jpg", "sub/.hidden.png", "sub/f.jpg.ABC.part", "sub/README", "sub/deep/g.png"}
	for name, c := range map[string]struct {
		args []string
		made []string
	}{
		"files":            {[]string{"-to", "jpg", "$/a.png", "$/c d.png"}, []string{"a.jpg", "c d.jpg"}},
		"one file":         {[]string{"-to", ".JPG", "$/a.png"}, []string{"a.jpg"}},
		"pattern":          {[]string{"-to", "jpg", "$/*.png"}, []string{"a.jpg", "c d.jpg"}},
		"directory":        {[]string{"-to", "jpg", "$/sub"}, []string{"sub/e.jpg"}},
		"other directory":  {[]string{"-to", "jpg", "-o", "$/out/new", "$/a.png", "$/sub"}, []string{"out/new/a.jpg", "out/new/e.jpg"}},
		"the same twice":   {[]string{"-to", "jpg", "$/a.png", "$/./a.png", "$/a.*"}, []string{"a.jpg"}},
		"one at a time":    {[]string{"-to", "jpg", "-j", "1", "$/*.png", "$/b.PNG"}, []string{"a.jpg", "b.jpg", "c d.jpg"}},
		"with an option":   {[]string{"-to", "jpg", "-option", "width=30", "$/a.png"}, []string{"a.jpg"}},
		"flags behind":     {[]string{"$/a.png", "-to", "jpg", "$/c d.png", "-j", "1"}, []string{"a.jpg", "c d.jpg"}},
		"no flags":         {[]string{"-to", "jpg", "--", "$/a.png"}, []string{"a.jpg"}},
		"from a format":    {[]string{"-to", "jpg", "-from", "png", "$/sub/README"}, []string{"sub/README.jpg"}},
		"pattern of some":  {[]string{"-to", "gif", "$/sub/[eR]*"}, []string{"sub/e.gif"}},
		"pattern of names": {[]string{"-to", "gif", "$/[ab].*"}, []string{"a.gif", "b.gif"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := album(t, names...)
			code, stderr := runIn(t.Context(), dir, c.args...)
			require.Equal(t, exitOK, code, stderr)
			assert.ElementsMatch(t, append(c.made, names...), tree(t, dir))
			assert.Contains(t, stderr, " converted\n")
			assert.NotContains(t, stderr, "failed")
			assert.Equal(t, 2, strings.Count(stderr, "\n"), "the sandbox and the summary, and no progress: "+stderr)
		})
	}
}

// Nothing is converted if something is wrong with the arguments.
func TestBatchRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    []string
		message string
	}{
		"same output":           {[]string{"-to", "jpg", "$/a.png", "$/a.gif"}, "would both become"},
		"same output directory": {[]string{"-to", "jpg", "-o", "$/out", "$/a.png", "$/sub/a.png"}, "would both become"},
		"no match":              {[]string{"-to", "jpg", "$/a.png", "$/*.bmp"}, "no file matches"},
		"no pattern":            {[]string{"-to", "jpg", "$/a.png", "$/["}, "is wrong"},
		"empty directory":       {[]string{"-to", "jpg", "$/empty"}, "there is nothing to convert\n"},
		"done directory":        {[]string{"-to", "png", "$/sub", "$/empty"}, "there is nothing to convert: the files are png already\n"},
		"no extension":          {[]string{"-to", "jpg", "$/sub/README"}, "add -from format"},
		"flag as a file":        {[]string{"-to", "jpg", "--", "$/a.png", "-overwrite"}, "flags go before the files"},
		"no such directory":     {[]string{"-to", "jpg", "$/nowhere"}, "no such file"},
		"journal":               {[]string{"-to", "jpg", "-resume", "$/no/journal", "$/a.png"}, "journal"},
		"output directory":      {[]string{"-to", "jpg", "-o", "$/a.png", "$/a.png"}, "a.png"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := []string{"a.png", "a.gif", "sub/a.png", "sub/README"}
			dir := album(t, names...)
			require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o700))
			code, stderr := runIn(t.Context(), dir, c.args...)
			assert.Equal(t, exitFailed, code)
			assert.Contains(t, stderr, c.message)
			assert.ElementsMatch(t, names, tree(t, dir))
		})
	}
}

func TestBatchFailures(t *testing.T) {
	t.Parallel()
	dir := album(t, "a.png", "b.png", "c.png", "c.jpg")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "broken.png"), []byte("no picture"), 0o600))
	code, stderr := runIn(t.Context(), dir, "-to", "jpg", "$/*.png", "$/missing.png")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "broken.png: cloudconvert: job ")
	assert.Contains(t, stderr, "OPEN_FAILED")
	assert.Contains(t, stderr, "c.jpg exists already: use -overwrite to replace it\n")
	assert.Contains(t, stderr, "missing.png: no such file")
	assert.True(t, strings.HasSuffix(stderr, "2 converted, 3 failed\nconvert: not all files were converted\n"), stderr)
	assert.ElementsMatch(t, []string{"a.png", "a.jpg", "b.png", "b.jpg", "c.png", "c.jpg", "broken.png"}, tree(t, dir))

	code, stderr = runIn(t.Context(), dir, "-to", "jpg", "-overwrite", "$/a.png", "$/c.png")
	assert.Equal(t, exitOK, code)
	assert.Contains(t, stderr, "2 converted\n")
}

func TestBatchResumes(t *testing.T) {
	t.Parallel()
	dir := album(t, "in/a.png", "in/b.png")
	run := func() string {
		code, stderr := runIn(t.Context(), dir, "-to", "jpg", "-o", "$/out", "-resume", "$/journal", "$/in")
		require.Equal(t, exitOK, code, stderr)
		_, summary, _ := strings.Cut(stderr, "\n")
		return summary
	}
	assert.Equal(t, "2 converted\n", run())
	assert.Equal(t, "0 converted, 2 done before\n", run())
	require.NoError(t, os.Remove(filepath.Join(dir, "out", "b.jpg")))
	assert.Equal(t, "1 converted, 1 done before\n", run())
}

func TestBatchInterrupted(t *testing.T) {
	t.Parallel()
	dir := album(t, "a.png", "b.png")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, stderr := runIn(ctx, dir, "-to", "jpg", "$/*.png")
	assert.Equal(t, exitFailed, code)
	assert.True(t, strings.HasSuffix(stderr, "0 converted, 2 not begun\nconvert: not all files were converted\n"), stderr)
	assert.Equal(t, []string{"a.png", "b.png"}, tree(t, dir))
}

// What is interrupted in the middle is a count, not a failure, although nobody
// has said yet that the jobs were created.
func TestBatchInterruptedInTheMiddle(t *testing.T) { //nolint:paralleltest // it sets the environment.
	for name, c := range map[string]struct { //nolint:paralleltest // as above.
		args   []string
		advice string
	}{
		"with a journal":    {[]string{"-resume", "$/journal"}, ": run the same command again to go on"},
		"without a journal": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := album(t, "a.png", "a.jpg", "b.png", "c.png", "d.png")
			server, begun, release := slowServer(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-begun
				<-begun
				cancel()
			}()
			code, stderr := runIn(ctx, dir, append([]string{"-to", "jpg", "-j", "2", "$/*.png"}, c.args...)...)
			assert.Equal(t, exitFailed, code)
			assert.Equal(t, filepath.Join(dir, "a.png")+": "+filepath.Join(dir, "a.jpg")+" exists already: use -overwrite to replace it\n"+
				"0 converted, 1 failed, 2 interrupted, 1 not begun\n"+
				"convert: not all files were converted"+c.advice+"\n", stderr)

			release()
			require.NoError(t, os.Remove(filepath.Join(dir, "a.jpg")))
			code, stderr = runIn(t.Context(), dir, append([]string{"-to", "jpg", "$/*.png"}, c.args...)...)
			assert.Equal(t, exitOK, code)
			assert.Equal(t, "4 converted\n", stderr)
			if c.advice != "" {
				assert.Len(t, server.Jobs(), 4, "what was interrupted goes on")
			}
		})
	}
}

// slowServer is one for the command, with conversions that tell that they have
// begun and end when they are released.
func slowServer(t *testing.T) (server *cloudconverttest.Server, begun <-chan struct{}, release func()) {
	t.Helper()
	server = serverFor(t)
	beginning, released := make(chan struct{}, 10), make(chan struct{})
	server.HandleConvert("png", "jpg", func(ctx context.Context, run *cloudconverttest.Run) error {
		beginning <- struct{}{}
		select {
		case <-released:
			return run.Default(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return server, beginning, func() { close(released) }
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		"a.png":                            "a.pdf",
		"in/a.b.png":                       "in/a.b.pdf",
		"in/a.tar.gz":                      "in/a.pdf",
		"README":                           "README.pdf",
		"https://example.com/in/a%20b.png": "a b.pdf",
		"https://example.com/?x=1":         "file.pdf",
		"https://example.com":              "file.pdf",
	} {
		s := settings{format: "pdf"}
		assert.Equal(t, want, filepath.ToSlash(s.outputOf(input)))
		s.dir = "out"
		assert.Equal(t, "out/"+filepath.Base(want), filepath.ToSlash(s.outputOf(input)))
	}
}

// Without a terminal there are no lines.
func TestNoLines(t *testing.T) {
	t.Parallel()
	lines := newLines(&bytes.Buffer{}, 8, 100)
	assert.Nil(t, lines)
	assert.Empty(t, lines.options(file{}))
	lines.end("")
	lines.close()
}
