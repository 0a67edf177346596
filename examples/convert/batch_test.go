package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestBatch(t *testing.T) {
	t.Parallel()
	names := []string{"a.png", "b.PNG", "c d.png", "sub/e.png", "sub/f.jpg", "sub/README", "sub/deep/g.png"}
	for name, c := range map[string]struct {
		args, made []string
	}{
		"files":             {[]string{"$/a.png", "$/c d.png"}, []string{"a.jpg", "c d.jpg"}},
		"one file":          {[]string{"$/a.png"}, []string{"a.jpg"}},
		"pattern":           {[]string{"$/*.png"}, []string{"a.jpg", "c d.jpg"}},
		"directory":         {[]string{"$/sub"}, []string{"sub/e.jpg", "sub/deep/g.jpg"}},
		"mirrored":          {[]string{"-o", "$/out/new", "$/a.png", "$/sub"}, []string{"out/new/a.jpg", "out/new/e.jpg", "out/new/deep/g.jpg"}},
		"mirrored in place": {[]string{"-o", "$/sub", "$/sub"}, []string{"sub/e.jpg", "sub/deep/g.jpg"}},
		"the same twice":    {[]string{"$/a.png", "$/./a.png", "$/a.*"}, []string{"a.jpg"}},
		"one by one":        {[]string{"-n", "1", "$/*.png", "$/b.PNG"}, []string{"a.jpg", "b.jpg", "c d.jpg"}},
		"with an option":    {[]string{"-option", "width=30", "$/a.png"}, []string{"a.jpg"}},
		"flags behind":      {[]string{"$/a.png", "$/c d.png", "-n", "1"}, []string{"a.jpg", "c d.jpg"}},
		"from a format":     {[]string{"-from", "png", "$/sub/README"}, []string{"sub/README.jpg"}},
		"deleted":           {[]string{"-delete", "$/a.png"}, []string{"a.jpg"}},
		"within the budget": {[]string{"-budget", "100", "$/a.png"}, []string{"a.jpg"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := album(t, names...)
			got := command(t.Context(), dir, append([]string{"-to", "jpg"}, c.args...)...)
			require.Equal(t, exitOK, got.code, got.stderr)
			assert.ElementsMatch(t, append(slices.Clone(c.made), names...), filesBelow(t, dir))
			var paths []string
			for _, made := range c.made {
				paths = append(paths, "$/"+made)
			}
			lines := strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
			assert.ElementsMatch(t, paths, lines)
			assert.Regexp(t, `\n\d converted(, \d skipped)?(, credits used: \d)?, time: 0:0\d\n$`, got.stderr)
			assert.NotContains(t, got.stderr, "failed")
		})
	}
}

func TestNothingToConvertIsNotAFailure(t *testing.T) {
	t.Parallel()
	dir := album(t, "done/a.jpg")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o700))
	got := command(t.Context(), dir, "-to", "jpg", "$/empty", "$/done")
	assert.Equal(t, exitOK, got.code)
	assert.Empty(t, got.stdout)
	assert.Equal(t, "skipped, in the format already (1): $/done/a.jpg\n0 converted, 1 skipped\n", got.messages())
}

func TestFailureAffectsOnlyItsFile(t *testing.T) {
	t.Parallel()
	dir := album(t, "a.png", "b.png", "c.png", "c.jpg")
	write(t, filepath.Join(dir, "broken.png"), []byte("not an image"))
	got := command(t.Context(), dir, "-to", "jpg", "$/*.png", "$/missing.png", "$/none*")
	assert.Equal(t, exitFailed, got.code)
	assert.ElementsMatch(t, []string{"$/a.jpg", "$/b.jpg"}, got.paths())
	for _, message := range []string{
		"convert: $/broken.png: the conversion failed: ", "OPEN_FAILED",
		"convert: $/c.png: $/c.jpg already exists: use -overwrite to replace it\n",
		"convert: $/missing.png: no such file or directory\n",
		"convert: $/none*: no file matches\n",
	} {
		assert.Contains(t, got.stderr, message)
	}
	assert.True(t, strings.HasSuffix(got.messages(), "2 converted, 4 failed\nconvert: not all files were converted\n"), got.stderr)
	assert.ElementsMatch(t, []string{"a.png", "a.jpg", "b.png", "b.jpg", "c.png", "c.jpg", "broken.png"}, filesBelow(t, dir))

	got = command(t.Context(), dir, "-to", "jpg", "-overwrite", "$/a.png", "$/c.png")
	assert.Equal(t, exitOK, got.code)
	assert.Equal(t, "2 converted\n", got.messages())
}

// Only what may succeed is to be tried again: a job whose files were not saved, not a
// broken file.
func TestAdviceToRetry(t *testing.T) { //nolint:paralleltest // it sets the environment.
	for want, names := range map[string][]string{ //nolint:paralleltest // as above.
		"convert: not all files were converted\n":                                                 {"broken.png"},
		"convert: not all files were converted: run the same command again to retry the others\n": {"a.png"},
		"convert: not all files were converted: run the same command again to retry 1 of them\n":  {"a.png", "broken.png"},
	} {
		server := serverFor(t)
		server.Inject(cloudconverttest.Fault{Method: "GET", Path: "storage:download", Status: 403})
		dir := album(t, "a.png")
		write(t, filepath.Join(dir, "broken.png"), []byte("not an image"))
		args := []string{"-to", "jpg", "-resume", "$/journal"}
		for _, name := range names {
			args = append(args, "$/"+name)
		}
		got := command(t.Context(), dir, args...)
		assert.Equal(t, exitFailed, got.code)
		assert.True(t, strings.HasSuffix(got.stderr, want), got.stderr)
	}
}

func TestTwoFilesNeverBecomeOne(t *testing.T) { //nolint:paralleltest // it sets the environment.
	server := serverFor(t)
	dir := album(t, "a/report.png", "b/report.png")
	got := command(t.Context(), dir, "-to", "jpg", "-overwrite", "-o", "$/out", "$/a", "$/b")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "$/out/report.jpg\n", got.stdout)
	assert.Contains(t, got.stderr, "convert: $/b/report.png: it would become $/out/report.jpg, as does $/a/report.png")
	assert.Len(t, server.Jobs(), 1, "the second one is not paid")
}

func TestUnusableJournal(t *testing.T) {
	t.Parallel()
	dir := album(t, "a.png")
	write(t, filepath.Join(dir, "letter"), []byte("Dear Sir"))
	for journal, message := range map[string]string{
		"$/letter": "convert: -resume: ", "$/no/journal": "no such file or directory",
	} {
		got := command(t.Context(), dir, "-to", "jpg", "-resume", journal, "$/a.png")
		assert.Equal(t, exitFailed, got.code)
		assert.Empty(t, got.stdout)
		assert.Contains(t, got.stderr, message)
		assert.Contains(t, got.stderr, "0 converted, 1 not begun")
	}
}

func TestResume(t *testing.T) { //nolint:paralleltest // it sets the environment.
	server := serverFor(t)
	dir := album(t, "in/a.png", "in/b.png")
	resume := func() output {
		got := command(t.Context(), dir, "-to", "jpg", "-o", "$/in/out", "-resume", "$/in/x.journal", "$/in")
		require.Equal(t, exitOK, got.code, got.stderr)
		return got
	}
	got := resume()
	assert.Equal(t, "2 converted\n", got.messages(), "neither the journal nor the results are sources")
	assert.Len(t, got.paths(), 2)
	got = resume()
	assert.Equal(t, "0 converted, 2 done before\n", got.messages())
	assert.Empty(t, got.stdout)
	require.NoError(t, os.Remove(filepath.Join(dir, "in", "out", "b.jpg")))
	got = resume()
	assert.Equal(t, "1 converted, 1 done before\n", got.messages())
	assert.Equal(t, "$/in/out/b.jpg\n", got.stdout)
	assert.Len(t, server.Jobs(), 3)
}

func TestBudget(t *testing.T) { //nolint:paralleltest // it sets the environment.
	server := serverFor(t)
	dir := album(t, "a.png", "b.png", "c.png")
	args := []string{"-to", "jpg", "-n", "1", "-budget", "1", "$/a.png", "$/b.png", "$/c.png"}
	got := command(t.Context(), dir, args...)
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "$/a.jpg\n", got.stdout)
	assert.Equal(t, "1 converted, 2 not begun\n"+
		"convert: the 1 credits of -budget are spent: use -resume JOURNAL from the start, and the same command goes on where it ended\n", got.messages())
	assert.Contains(t, got.stderr, "credits used: 1,")
	require.NoError(t, os.Remove(filepath.Join(dir, "a.jpg")))

	args = append([]string{"-resume", "$/journal"}, args...)
	for made, name := range []string{"a", "b", "c"} {
		got = command(t.Context(), dir, args...)
		assert.Equal(t, "$/"+name+".jpg\n", got.stdout)
		if made == 2 {
			assert.Equal(t, exitOK, got.code, got.stderr)
		} else {
			assert.Contains(t, got.stderr, "are spent: run the same command again to go on\n")
		}
	}
	assert.Len(t, server.Jobs(), 4)
}

func TestHopelessBatchStops(t *testing.T) {
	for name, c := range map[string]struct {
		opts    []cloudconverttest.Option
		key     string
		message string
	}{
		"wrong key":      {nil, "wrong", "the service does not accept the API key: set CLOUDCONVERT_API_KEY"},
		"out of credits": {[]cloudconverttest.Option{cloudconverttest.WithCredits(0)}, "", "the account is out of credits"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serverFor(t, c.opts...)
			if c.key != "" {
				t.Setenv("CLOUDCONVERT_API_KEY", c.key)
			}
			dir := album(t, "1.png", "2.png", "3.png", "4.png", "5.png", "6.png")
			got := command(t.Context(), dir, "-to", "jpg", "-n", "1", "$")
			assert.Equal(t, exitFailed, got.code)
			assert.Equal(t, 1, strings.Count(got.stderr, c.message), got.stderr)
			assert.Contains(t, got.stderr, "0 converted, 6 not begun")
			creations := 0
			for _, request := range server.Requests() {
				if request.Method == http.MethodPost {
					creations++
				}
			}
			assert.LessOrEqual(t, creations, 3, "the others are not tried")
		})
	}
}

func TestFailureAfterTheFileWasSaved(t *testing.T) { //nolint:paralleltest // it sets the environment.
	server := serverFor(t)
	server.Inject(cloudconverttest.Fault{Method: "DELETE", Status: 403})
	dir := album(t, "a.png")
	for _, args := range []string{"-to jpg -delete $/a.png", "-delete -overwrite $/a.png $/a.jpg"} {
		got := command(t.Context(), dir, strings.Fields(args)...)
		assert.Equal(t, exitFailed, got.code)
		assert.Equal(t, "$/a.jpg\n", got.stdout)
		assert.Contains(t, got.stderr, "convert: $/a.png: converted and saved, but then something failed: ")
	}
}

func TestBatchInterruptedBeforeStart(t *testing.T) {
	t.Parallel()
	dir := album(t, "a.png", "b.png")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := command(ctx, dir, "-to", "jpg", "$/*.png")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "convert: interrupted before the first file was converted\n", got.stderr)
	assert.Equal(t, []string{"a.png", "b.png"}, filesBelow(t, dir))
}

// An interrupted file is counted and not a failure, even if no response has said
// that its job was created.
func TestBatchInterrupted(t *testing.T) { //nolint:paralleltest // it sets the environment.
	for name, c := range map[string]struct { //nolint:paralleltest // as above.
		args   []string
		advice string
	}{
		"with a journal": {[]string{"-resume", "$/journal"}, "interrupted: run the same command again to go on"},
		"without a journal": {nil, "interrupted; conversions that had begun go on at the service, and are charged: " +
			"use -resume JOURNAL from the start, and the same command goes on where it ended"},
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
			got := command(ctx, dir, append([]string{"-to", "jpg", "-n", "2", "$/*.png"}, c.args...)...)
			assert.Equal(t, exitFailed, got.code)
			assert.Equal(t, "convert: $/a.png: $/a.jpg already exists: use -overwrite to replace it\n"+
				"0 converted, 1 failed, 2 interrupted, 1 not begun\n"+
				"convert: "+c.advice+"\n", got.messages())

			release()
			require.NoError(t, os.Remove(filepath.Join(dir, "a.jpg")))
			got = command(t.Context(), dir, append([]string{"-to", "jpg", "$/*.png"}, c.args...)...)
			assert.Equal(t, exitOK, got.code, got.stderr)
			assert.Equal(t, "4 converted\n", got.messages())
			if c.args != nil {
				assert.Len(t, server.Jobs(), 4, "what was interrupted goes on")
			}
		})
	}
}

// slowServer returns a server for the command, with conversions that send when they
// begin, and end when they are released.
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

// watched is an output that can be read while it is written.
type watched struct{ lines chan string }

func (w watched) Write(p []byte) (int, error) {
	select {
	case w.lines <- string(p):
		return len(p), nil
	default:
		return 0, errors.New("too many lines")
	}
}

func TestFailureIsShownWhileOthersRun(t *testing.T) { //nolint:paralleltest // it sets the environment.
	_, begun, release := slowServer(t)
	dir := album(t, "a.png")
	write(t, filepath.Join(dir, "b.gif"), []byte("not an image"))
	stderr := watched{make(chan string, 10)}
	ended := make(chan int, 1)
	go func() {
		ended <- run(t.Context(), []string{"-to", "jpg", filepath.Join(dir, "a.png"), filepath.Join(dir, "b.gif")}, strings.NewReader(""), brokenPipe{}, stderr)
	}()
	<-begun
	assert.Contains(t, <-stderr.lines, "b.gif: the conversion failed")
	release()
	assert.Equal(t, exitFailed, <-ended)
}
