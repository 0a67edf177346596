package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"image"
	"image/png"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"github.com/cloudconvert/cloudconvert-go"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// started is a running sandbox.
type started struct {
	client    *cloudconvert.Client
	variables map[string]string
	stop      func() (code int, stderr string)
}

// start runs the command, whose tasks take no time unless args set it, until the test stops
// it, and makes a client with the printed variables.
func start(t *testing.T, args ...string) started {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	printed, stdout := io.Pipe()
	var stderr bytes.Buffer
	code := -1
	var wg sync.WaitGroup
	wg.Go(func() {
		code = run(ctx, append([]string{"-task-duration", "0"}, args...), stdout, &stderr)
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
	s := started{nil, variables, stop}
	s.client = s.clientOf(t, variables["CLOUDCONVERT_API_KEY"])
	return s
}

// clientOf returns a client with another key.
func (s started) clientOf(t *testing.T, key string) *cloudconvert.Client {
	t.Helper()
	client, err := cloudconvert.NewClient(key,
		cloudconvert.WithBaseURLs(s.variables["CLOUDCONVERT_API_URL"], s.variables["CLOUDCONVERT_SYNC_URL"]),
		cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1, MaxRetryAfter: time.Millisecond}))
	require.NoError(t, err, "%v", s.variables)
	return client
}

// read parses the lines with variables.
func read(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	variables := map[string]string{}
	lines := bufio.NewScanner(r)
	for len(variables) < 10 && lines.Scan() {
		assignment, ok := strings.CutPrefix(lines.Text(), "export ")
		require.True(t, ok, lines.Text())
		name, value, _ := strings.Cut(assignment, "=")
		variables[name] = value
	}
	require.Len(t, variables, 10)
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
	assert.True(t, strings.HasPrefix(string(content), envFileMark))
	for line := range strings.SplitSeq(strings.TrimSpace(strings.TrimPrefix(string(content), envFileMark)), "\n") {
		name, value, _ := strings.Cut(line, "=")
		assert.Equal(t, s.variables[name], value)
	}
	described := regexp.MustCompile(`(?m)^  (CLOUDCONVERT_\w+)`).FindAllStringSubmatch(manual, -1)
	assert.Len(t, described, len(s.variables), "the manual has all variables")
	for _, variable := range described {
		assert.NotEmpty(t, s.variables[variable[1]], variable[1])
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
	assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d `+job.ID[:8]+` task \S+ convert finished by \S+ in `, stderr)
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
	t.Run("public URL", func(t *testing.T) {
		t.Parallel()
		s := start(t, "-public-url", "http://localhost:9090")
		assert.Equal(t, "http://localhost:9090/v2", s.variables["CLOUDCONVERT_API_URL"])
		assert.Regexp(t, `^http://localhost:\d+$`, s.variables["CLOUDCONVERT_EVENTS_URL"])
	})
	t.Run("health", func(t *testing.T) {
		t.Parallel()
		s := start(t, "-fault", "error=1")
		api, err := url.Parse(s.variables["CLOUDCONVERT_API_URL"])
		require.NoError(t, err)
		check := []string{"-health", "-addr", api.Host}
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitOK, run(t.Context(), check, &stdout, &stderr))
		assert.Empty(t, stdout.String()+stderr.String())
		s.stop()
		assert.Equal(t, exitFailed, run(t.Context(), check, &stdout, &stderr))
		assert.Contains(t, stderr.String(), "sandbox: dial tcp")
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
		_, err := s.clientOf(t, "another").Users.Me(t.Context())
		assert.NoError(t, err)
	})
	t.Run("scoped key", func(t *testing.T) {
		t.Parallel()
		s := start(t, "-scoped-key", "reader==task.read,user.read", "-scoped-key", "writer=task.write")
		reader, writer := s.clientOf(t, "reader="), s.clientOf(t, "writer")
		_, err := reader.Users.Me(t.Context())
		require.NoError(t, err)
		_, err = reader.Jobs.Create(t.Context(), cloudconvert.Pipeline(cloudconvert.ImportUpload{}))
		require.ErrorIs(t, err, cloudconvert.ErrForbidden)
		job, err := writer.Jobs.Create(t.Context(), cloudconvert.Pipeline(cloudconvert.ImportUpload{}))
		require.NoError(t, err)
		_, err = writer.Jobs.Get(t.Context(), job.ID)
		require.ErrorIs(t, err, cloudconvert.ErrForbidden)
		_, err = reader.Jobs.Get(t.Context(), job.ID)
		assert.NoError(t, err)
	})
	t.Run("task duration", func(t *testing.T) {
		t.Parallel()
		s, err := parse(nil)
		require.NoError(t, err)
		assert.Equal(t, 200*time.Millisecond, s.taskDuration, "the manual says so")
		slow := start(t, "-task-duration", "30ms")
		require.NoError(t, convert(t, slow))
		_, stderr := slow.stop()
		tasks := regexp.MustCompile(`task \S+ \S+ finished (?:by \S+ )?in (\S+)`).FindAllStringSubmatch(stderr, -1)
		assert.Len(t, tasks, 3, stderr)
		for _, task := range tasks {
			took, err := time.ParseDuration(task[1])
			require.NoError(t, err)
			assert.GreaterOrEqual(t, took, 30*time.Millisecond, task[0])
		}
	})
}

// TestOAuthClient gets an access token as a program with the printed variables does.
func TestOAuthClient(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"random": nil, "chosen": {"-oauth-client", "shop:s3cret"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, args...)
			id, secret := s.variables["CLOUDCONVERT_OAUTH_CLIENT_ID"], s.variables["CLOUDCONVERT_OAUTH_CLIENT_SECRET"]
			if args != nil {
				assert.Equal(t, []string{"shop", "s3cret"}, []string{id, secret})
			}
			config := cloudconvert.OAuthConfig(id, secret, "http://127.0.0.1:9/callback", cloudconvert.ScopeUserRead)
			config.Endpoint.AuthURL = s.variables["CLOUDCONVERT_OAUTH_AUTHORIZE_URL"]
			config.Endpoint.TokenURL = s.variables["CLOUDCONVERT_OAUTH_TOKEN_URL"]

			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.AuthCodeURL("state"), http.NoBody)
			require.NoError(t, err)
			transport := &http.Transport{DisableKeepAlives: true}
			response, err := transport.RoundTrip(request)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			callback, err := response.Location()
			require.NoError(t, err)
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: transport})
			token, err := config.Exchange(ctx, callback.Query().Get("code"))
			require.NoError(t, err)

			client := s.clientOf(t, token.AccessToken)
			_, err = client.Users.Me(t.Context())
			require.NoError(t, err)
			_, err = client.Jobs.Get(t.Context(), "any")
			require.ErrorIs(t, err, cloudconvert.ErrForbidden)
		})
	}
}

// TestMessagesNameFlags checks what the messages of failed tasks advise.
func TestMessagesNameFlags(t *testing.T) {
	t.Parallel()
	s := start(t, "-strict")
	_, err := s.client.Convert(t.Context(), cloudconvert.FromBytes("a.csv", []byte("a")), "epub")
	require.ErrorContains(t, err, "without -strict")
	_, err = start(t).client.Convert(t.Context(), cloudconvert.FromBytes("a.csv", []byte("a")), "xyz")
	require.ErrorContains(t, err, "GET /v2/operations lists what works")
	_, err = s.client.Convert(t.Context(), cloudconvert.FromURL("https://example.com/photo.png"), "jpg")
	require.ErrorContains(t, err, "start it with -network, or give it a file for the URL with -urls")
	assert.NotContains(t, err.Error(), "With")
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
		{"-key", "invalid-1"},
		{"-scoped-key", "reader"},
		{"-scoped-key", "=task.read"},
		{"-scoped-key", "reader="},
		{"-scoped-key", "reader=task.read,task.delete"},
		{"-scoped-key", "a b=task.read"},
		{"-scoped-key", "invalid-2=task.read"},
		{"-key", "same", "-scoped-key", "same=task.read"},
		{"-oauth-client", "shop"},
		{"-oauth-client", ":secret"},
		{"-oauth-client", "shop:"},
		{"-oauth-client", "my shop:secret"},
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

func TestScopeIsUnknown(t *testing.T) {
	t.Parallel()
	_, err := parse([]string{"-scoped-key", "reader=task.delete"})
	require.ErrorContains(t, err, `unknown scope "task.delete": use some of user.read, user.write, task.read, task.write, webhook.read, webhook.write`)
}

func TestManual(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &stdout, &stderr))
	assert.Equal(t, manual, stderr.String())
	assert.Empty(t, stdout.String())
	for line := range strings.Lines(manual) {
		assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, line)
		assert.NotContains(t, line, "\t")
	}
	s, err := parse(nil)
	require.NoError(t, err)
	described := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^  -([a-z-]+)`).FindAllStringSubmatch(manual, -1) {
		described[found[1]] = true
	}
	s.flags().VisitAll(func(f *flag.Flag) {
		assert.True(t, described[f.Name], "-%s is not in the manual", f.Name)
		delete(described, f.Name)
	})
	assert.Empty(t, described, "the manual has flags that do not exist")
	for kind := range kinds {
		assert.Regexp(t, `(?m)^ +`+kind+`  +`, manual)
	}
	for _, scope := range scopes {
		assert.Contains(t, manual, scope)
	}
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
		"no public host":      {[]string{"-public-url", "sandbox:8080"}, "want a scheme and a host"},
		"no address":          {[]string{"-addr", "nowhere"}, "nowhere"},
		"foreign file":        {[]string{"-env-file", mine}, "was not written by a sandbox"},
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
	require.NoError(t, os.WriteFile(envFile, []byte(envFileMark+"CLOUDCONVERT_API_KEY=old\n"), 0o600))
	s := start(t, "-env-file", envFile)
	content, err := os.ReadFile(envFile)
	require.NoError(t, err)
	assert.Contains(t, string(content), s.variables["CLOUDCONVERT_API_KEY"])

	newer := start(t, "-env-file", envFile)
	code, _ := s.stop()
	assert.Equal(t, exitOK, code)
	content, err = os.ReadFile(envFile)
	require.NoError(t, err, "it is that of the newer sandbox")
	assert.Contains(t, string(content), newer.variables["CLOUDCONVERT_API_KEY"])
}

// TestForeignEnvFileStays checks a file that a user has written, such as .env.
func TestForeignEnvFileStays(t *testing.T) {
	t.Parallel()
	own := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.WriteFile(own, []byte("CLOUDCONVERT_API_KEY=real\n"), 0o600))
	assert.Equal(t, exitFailed, run(t.Context(), []string{"-env-file", own}, io.Discard, io.Discard))
	assert.FileExists(t, own)
}

// The images start the command with flags that exist, and what it is built from is in the
// context of the build.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	dockerfile, err := os.ReadFile("Dockerfile")
	require.NoError(t, err)
	commands := regexp.MustCompile(`(?m)^(?:ENTRYPOINT|HEALTHCHECK.* CMD) (\[.*\])$`).FindAllStringSubmatch(string(dockerfile), -1)
	require.Len(t, commands, 4)
	for _, command := range commands {
		var args []string
		require.NoError(t, json.Unmarshal([]byte(command[1]), &args))
		_, err := parse(args[slices.Index(args, "/usr/bin/sandbox")+1:])
		require.NoError(t, err, command[1])
	}

	ignored, err := os.ReadFile("Dockerfile.dockerignore")
	require.NoError(t, err)
	const module = "github.com/cloudconvert/cloudconvert-go/"
	packages, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	for dependency := range strings.Lines(string(packages)) {
		dir, ok := strings.CutPrefix(strings.TrimSpace(dependency), module)
		if top, rest, nested := strings.Cut(dir, "/"); ok && nested && top == "examples" {
			sub, _, _ := strings.Cut(rest, "/")
			assert.Contains(t, string(ignored), "\n!/examples/"+sub+"\n")
		} else if ok {
			assert.Contains(t, string(ignored), "\n!/"+top+"\n")
		}
	}
}
