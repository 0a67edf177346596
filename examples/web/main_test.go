package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serveForTest starts the program with a local sandbox and returns the URL of its page.
func serveForTest(t *testing.T) string {
	t.Helper()
	t.Setenv("CLOUDCONVERT_API_KEY", "")
	ctx, cancel := context.WithCancel(t.Context())
	started, ended := make(chan string, 1), make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0"}, &stderr, func(url string) { started <- url })
	}()
	t.Cleanup(func() {
		cancel()
		assert.Equal(t, exitOK, <-ended, &stderr)
	})
	select {
	case url := <-started:
		return url
	case code := <-ended:
		ended <- code
		require.Equal(t, exitOK, code, &stderr)
		return ""
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args    []string
		code    int
		message string
		lines   int
	}{
		{[]string{"-h"}, exitOK, "usage: web [flags]\n", 5},
		{[]string{"-fast"}, exitUsage, "web: flag provided but not defined: -fast (web -h shows the flags)\n", 1},
		{[]string{"photos"}, exitUsage, `web: unexpected argument "photos": there are only flags (web -h shows the flags)` + "\n", 1},
		{[]string{"-addr", "nowhere"}, exitFailed, "web: listen tcp: address nowhere", 1},
	} {
		var stderr bytes.Buffer
		assert.Equal(t, c.code, run(t.Context(), c.args, &stderr, func(string) {}), c.args)
		assert.True(t, strings.HasPrefix(stderr.String(), c.message), stderr.String())
		assert.Equal(t, c.lines, strings.Count(stderr.String(), "\n"), stderr.String())
	}
}

// TestInBrowser uses the page like a visitor. If SCREENSHOT is set, it writes an image of
// the page to that path.
func TestInBrowser(t *testing.T) { //nolint:paralleltest // it sets the environment.
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	photo, err := filepath.Abs("../../testdata/photo.png")
	require.NoError(t, err)
	url := serveForTest(t)
	browser := openBrowser(t, chromium)

	require.NoError(t, chromedp.Do(browser,
		chromedp.EmulateViewport(720, 780),
		chromedp.Navigate(url),
		chromedp.SetUploadFiles(`input[type=file]`, []string{photo}),
		chromedp.Evaluate[chromedp.Void](`document.querySelector('button').click()`),
		chromedp.WaitVisible(`#progress`),
		chromedp.WaitVisible(`#result`),
	))
	width, err := chromedp.Run(browser, chromedp.Poll[int](`document.getElementById('picture').naturalWidth`))
	require.NoError(t, err)
	height, err := chromedp.Run(browser, chromedp.Evaluate[int](`document.getElementById('picture').naturalHeight`))
	require.NoError(t, err)
	status, err := chromedp.Run(browser, chromedp.Text(`#status`))
	require.NoError(t, err)
	result, err := chromedp.Run(browser, chromedp.Evaluate[string](`document.getElementById('link').href`))
	require.NoError(t, err)
	assert.Equal(t, "Here is photo.jpg", status)
	assert.Equal(t, []int{640, 480}, []int{width, height})
	assert.Equal(t, "image/jpeg", contentType(t, result))
	if path := os.Getenv("SCREENSHOT"); path != "" {
		screenshot, err := chromedp.Run(browser, chromedp.FullScreenshot(100))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, screenshot, 0o600))
	}
}

// openBrowser starts a headless browser without network services.
func openBrowser(t *testing.T, path string) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-sync", true))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	t.Cleanup(closeBrowser)
	return ctx
}

func contentType(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	response, err := new(http.Client).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	return response.Header.Get("Content-Type")
}

func TestStopsBesideUnusedConnections(t *testing.T) { //nolint:paralleltest // it sets the environment.
	var conn net.Conn
	t.Cleanup(func() { assert.NoError(t, conn.Close()) })
	address := strings.TrimPrefix(serveForTest(t), "http://")
	var err error
	conn, err = new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
}

func TestRefusals(t *testing.T) { //nolint:paralleltest // it sets the environment.
	url := serveForTest(t)
	for name, c := range map[string]struct { //nolint:paralleltest // as above.
		method, path string
		status       int
	}{
		"unknown format": {http.MethodPost, "/jobs?format=exe", http.StatusBadRequest},
		"foreign job":    {http.MethodGet, "/jobs/4b6ee8e2-e293-4805-b48e-a03876d1ec66", http.StatusNotFound},
		"foreign result": {http.MethodGet, "/jobs/4b6ee8e2-e293-4805-b48e-a03876d1ec66/result", http.StatusNotFound},
		"unsigned event": {http.MethodPost, "/hook", http.StatusUnsupportedMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), c.method, url+c.path, http.NoBody)
			require.NoError(t, err)
			response, err := new(http.Client).Do(request)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, c.status, response.StatusCode)
		})
	}
}
