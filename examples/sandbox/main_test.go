package main

import (
	"bufio"
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cloudconvert/cloudconvert-go"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// started is a running sandbox.
type started struct {
	client    *cloudconvert.Client
	variables map[string]string
	stop      func() (code int, stderr string)
}

// start runs the command until the test stops it, and makes a client with the printed
// variables.
func start(t *testing.T, args ...string) started {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	printed, stdout := io.Pipe()
	var stderr bytes.Buffer
	code := -1
	var wg sync.WaitGroup
	wg.Go(func() {
		code = run(ctx, args, stdout, &stderr)
		_ = stdout.Close()
	})
	stop := sync.OnceValues(func() (int, string) {
		cancel()
		_ = printed.Close()
		wg.Wait()
		return code, stderr.String()
	})
	t.Cleanup(func() { stop() })
	variables := read(t, printed)
	client, err := cloudconvert.NewClient(variables["CLOUDCONVERT_API_KEY"],
		cloudconvert.WithBaseURLs(variables["CLOUDCONVERT_API_URL"], variables["CLOUDCONVERT_SYNC_URL"]),
		cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1, MaxRetryAfter: time.Millisecond}))
	require.NoError(t, err, "%v", variables)
	return started{client, variables, stop}
}

// read parses the lines with variables.
func read(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	variables := map[string]string{}
	lines := bufio.NewScanner(r)
	for len(variables) < 6 && lines.Scan() {
		assignment, ok := strings.CutPrefix(lines.Text(), "export ")
		require.True(t, ok, lines.Text())
		name, value, _ := strings.Cut(assignment, "=")
		variables[name] = value
	}
	require.Len(t, variables, 6)
	return variables
}

func photo(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, image.NewRGBA(image.Rect(0, 0, 60, 40))))
	return out.Bytes()
}

func TestServesUntilTheEnd(t *testing.T) {
	files := t.TempDir()
	t.Setenv("TMPDIR", files)
	envFile := filepath.Join(t.TempDir(), "sandbox.env")
	s := start(t, "-env-file", envFile)

	content, err := os.ReadFile(envFile)
	require.NoError(t, err)
	for line := range strings.SplitSeq(strings.TrimSpace(string(content)), "\n") {
		name, value, _ := strings.Cut(line, "=")
		assert.Equal(t, s.variables[name], value)
	}
	info, err := os.Stat(envFile)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	job, err := s.client.Convert(t.Context(), cloudconvert.FromBytes("photo.png", photo(t)), "pdf")
	require.NoError(t, err)
	var pdf bytes.Buffer
	_, err = s.client.Download(t.Context(), job.Files()[0], &pdf)
	require.NoError(t, err)
	assert.Equal(t, "%PDF-", pdf.String()[:5])

	code, stderr := s.stop()
	assert.Equal(t, exitOK, code, stderr)
	assert.NoFileExists(t, envFile)
	left, err := os.ReadDir(files)
	require.NoError(t, err)
	assert.Empty(t, left)

	assert.Contains(t, stderr, "pdfcpu ")
	assert.Contains(t, stderr, "events: examples/watch reads CLOUDCONVERT_EVENTS_URL")
	assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d `+job.ID[:8]+` task \S+ convert finished in `, stderr)
	assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d `+job.ID[:8]+` job finished$`, stderr)
	assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d +POST /v2/jobs 201 in \S+ \(sync\)$`, stderr)
	assert.NotContains(t, stderr, s.variables["CLOUDCONVERT_API_KEY"])
	assert.NotContains(t, stderr, "Signature")
}

func TestFlags(t *testing.T) {
	t.Parallel()
	convert := func(t *testing.T, s started) error {
		t.Helper()
		_, err := s.client.Convert(t.Context(), cloudconvert.FromBytes("photo.png", photo(t)), "jpg")
		return err
	}
	t.Run("key", func(t *testing.T) {
		t.Parallel()
		s := start(t, "-key", "mine.1")
		assert.Equal(t, "mine.1", s.variables["CLOUDCONVERT_API_KEY"])
		assert.NoError(t, convert(t, s))
	})
	t.Run("credits", func(t *testing.T) {
		t.Parallel()
		assert.ErrorIs(t, convert(t, start(t, "-credits", "0")), cloudconvert.ErrCreditsExceeded)
	})
	t.Run("rate limit", func(t *testing.T) {
		t.Parallel()
		s := start(t, "-rate-limit", "1/1h")
		require.NoError(t, convert(t, s))
		assert.ErrorIs(t, convert(t, s), cloudconvert.ErrRateLimited)
	})
	t.Run("whitelist", func(t *testing.T) {
		t.Parallel()
		assert.ErrorContains(t, convert(t, start(t, "-whitelist", strings.Repeat("0", 32))), "SANDBOX_FILE_NOT_ALLOWED")
	})
	t.Run("fault", func(t *testing.T) {
		t.Parallel()
		s := start(t, "-fault", "error=1", "-seed", "7")
		_, err := s.client.Users.Me(t.Context())
		require.ErrorIs(t, err, cloudconvert.ErrServer)
		_, stderr := s.stop()
		assert.Contains(t, stderr, "faults: seed 7\n")
	})
	t.Run("urls", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "local.png")
		require.NoError(t, os.WriteFile(file, photo(t), 0o600))
		s := start(t, "-urls", "https://example.com/photo.png?v=1="+file)
		_, err := s.client.Convert(t.Context(), cloudconvert.FromURL("https://example.com/photo.png?v=1"), "jpg")
		assert.NoError(t, err)
	})
	t.Run("strict", func(t *testing.T) {
		t.Parallel()
		for args, want := range map[string]error{"-network": nil, "-strict": cloudconvert.ErrJobFailed} {
			s := start(t, args)
			_, err := s.client.Convert(t.Context(), cloudconvert.FromBytes("a.csv", []byte("a")), "epub")
			require.ErrorIs(t, err, want)
			_, stderr := s.stop()
			assert.Equal(t, want == nil, strings.Contains(stderr, "\nstand-in: everything else"), stderr)
		}
	})
	t.Run("any key", func(t *testing.T) {
		t.Parallel()
		s := start(t, "-any-key", "-parallel", "3", "-task-duration", "1ms", "-upload-settle", "1ms")
		client, err := cloudconvert.NewClient("another",
			cloudconvert.WithBaseURLs(s.variables["CLOUDCONVERT_API_URL"], s.variables["CLOUDCONVERT_SYNC_URL"]))
		require.NoError(t, err)
		_, err = client.Users.Me(t.Context())
		assert.NoError(t, err)
	})
}

func TestObjects(t *testing.T) {
	t.Parallel()
	bucket := func(operation string, params map[string]any) cloudconvert.RawTask {
		fields := map[string]any{"bucket": "photos", "region": "r", "access_key_id": "id", "secret_access_key": "secret"}
		maps.Copy(fields, params)
		return cloudconvert.RawTask{Op: cloudconvert.Operation(operation), Fields: fields}
	}
	folder := t.TempDir()
	for name, args := range map[string][]string{"kept": {"-strict"}, "folder": {"-strict", "-objects", folder}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, args...)
			_, err := s.client.Run(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
				"in":  cloudconvert.FromBytes("photo.png", photo(t)),
				"out": bucket("export/s3", map[string]any{"input": "in", "key": "2026/photo.png"}),
			}})
			require.NoError(t, err)
			job, err := s.client.Run(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
				"in":  bucket("import/s3", map[string]any{"key_prefix": "2026/"}),
				"jpg": cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "jpg"},
			}})
			require.NoError(t, err)
			assert.Equal(t, "photo.jpg", job.Files()[0].Filename)
			_, err = s.client.Run(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
				"in": bucket("import/s3", map[string]any{"key": "../photo.png"}),
			}})
			assert.ErrorContains(t, err, "Download failed: ")
		})
	}
	t.Cleanup(func() {
		content, err := os.ReadFile(filepath.Join(folder, "photos", "2026", "photo.png"))
		require.NoError(t, err)
		assert.Equal(t, photo(t), content)
	})
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-fast"},
		{"more"},
		{"-key", "a b"},
		{"-key", "it's"},
		{"-parallel", "-1"},
		{"-parallel", "many"},
		{"-credits", "x"},
		{"-rate-limit", "10"},
		{"-rate-limit", "0/1m"},
		{"-rate-limit", "10/x"},
		{"-task-duration", "-1s"},
		{"-whitelist", "abc"},
		{"-urls", "https://example.com/photo.png"},
		{"-urls", "https://example.com/photo.png=/does/not/exist"},
		{"-urls", "photo.png=main.go"},
		{"-fault", "flood=0.5"},
		{"-fault", "reset=2"},
		{"-fault", "reset"},
		{"-seed", "-1"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			assert.Equal(t, exitUsage, run(t.Context(), args, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
			assert.True(t, strings.HasPrefix(stderr.String(), "sandbox: "), stderr.String())
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "usage: sandbox [flags]")
	assert.Contains(t, stderr.String(), "-env-file file")
	assert.Contains(t, stderr.String(), "random one)\n")
	assert.Contains(t, stderr.String(), "(default as many as it takes)\n")
	assert.NotContains(t, stderr.String(), "(default )")
}

func TestFailures(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, taken.Close()) })
	mine := filepath.Join(t.TempDir(), "mine.txt")
	require.NoError(t, os.WriteFile(mine, []byte("precious"), 0o600))
	for name, c := range map[string]struct {
		args    []string
		message string
	}{
		"address in use":      {[]string{"-addr", taken.Addr().String()}, "address already in use"},
		"sync address in use": {[]string{"-sync-addr", taken.Addr().String()}, "address already in use"},
		"no address":          {[]string{"-addr", "nowhere"}, "nowhere"},
		"foreign file":        {[]string{"-env-file", mine}, "is not a file of a sandbox"},
		"no objects":          {[]string{"-objects", "/does/not/exist"}, "open the folder of objects"},
		"no folder":           {[]string{"-env-file", "/does/not/exist/sandbox.env"}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			assert.Equal(t, exitFailed, run(t.Context(), c.args, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
			assert.True(t, strings.HasPrefix(lines[len(lines)-1], "sandbox: "), stderr.String())
			assert.Contains(t, lines[len(lines)-1], c.message)
		})
	}
	content, err := os.ReadFile(mine)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(content))
}

func TestStaleFileIsReplaced(t *testing.T) {
	t.Parallel()
	envFile := filepath.Join(t.TempDir(), "sandbox.env")
	require.NoError(t, os.WriteFile(envFile, []byte("CLOUDCONVERT_API_KEY=old\n"), 0o600))
	s := start(t, "-env-file", envFile)
	content, err := os.ReadFile(envFile)
	require.NoError(t, err)
	assert.Contains(t, string(content), s.variables["CLOUDCONVERT_API_KEY"])
}
