package main

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// browser starts the headless browser that the tests share.
var browser = sync.OnceValues(func() (context.Context, error) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-sync", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	stopBrowser = stop
	ctx, _ = chromedp.NewContext(ctx)
	return ctx, chromedp.Do(ctx)
})

var stopBrowser = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopBrowser()
	os.Exit(code)
}

// visitor uses the page in a tab of the browser.
type visitor struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // that of the tab.
}

func newVisitor(t *testing.T) visitor {
	t.Helper()
	ctx, err := browser()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("chromium is not installed")
	}
	require.NoError(t, err)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	return visitor{t, ctx}
}

func (v visitor) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	require.NoError(v.t, chromedp.Do(v.ctx, steps...))
}

// open opens the page and waits for its script.
func (v visitor) open(url string) {
	v.t.Helper()
	v.do(chromedp.Navigate(url), chromedp.WaitNotPresent("#update"))
}

// choose chooses a file for the upload.
func (v visitor) choose(path string) {
	v.t.Helper()
	v.do(chromedp.SetUploadFiles("#file", []string{path}), chromedp.WaitEnabled("#convert"))
}

// press activates the element that has the focus.
func (v visitor) press() {
	v.t.Helper()
	v.do(chromedp.KeyEvent(kb.Enter))
}

// evaluate returns the value of an expression, or of its promise.
func evaluate[T any](v visitor, expression string) T {
	v.t.Helper()
	value, err := chromedp.Run(v.ctx, chromedp.Evaluate[T](expression, func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
	require.NoError(v.t, err)
	return value
}

// wait waits until an expression is true.
func (v visitor) wait(expression string) {
	v.t.Helper()
	evaluate[bool](v, `new Promise(resolve => {
		const check = () => (`+expression+`) ? resolve(true) : setTimeout(check, 10)
		check()
	})`)
}

func (v visitor) text(id string) string {
	v.t.Helper()
	return evaluate[string](v, "document.getElementById("+strconv.Quote(id)+").textContent.trim()")
}

// names returns the JSON names of the elements with a role, as assistive technology has
// them.
func (v visitor) names(role string) []string {
	v.t.Helper()
	var names []string
	v.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		tree, err := cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		for _, node := range tree.Nodes {
			if node.Role != nil && string(node.Role.Value) == strconv.Quote(role) {
				names = append(names, string(node.Name.Value))
			}
		}
		return err
	}))
	return names
}

func (v visitor) focused() string {
	v.t.Helper()
	return evaluate[string](v, "document.activeElement.id")
}

// waitForError waits for an error and returns it.
func (v visitor) waitForError() string {
	v.t.Helper()
	v.wait(`document.getElementById('error').textContent`)
	return v.text("error")
}

// inTestdata returns the path of a file for the browser.
func inTestdata(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../testdata/" + name)
	require.NoError(t, err)
	return path
}

// largeImage returns the path of a file that is larger than what a connection buffers.
func largeImage(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "large.png")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, size))
	return path
}

// TestInBrowser converts an image with the program as a visitor does. If SCREENSHOT is
// set, it writes an image of the page to that path.
func TestInBrowser(t *testing.T) { //nolint:paralleltest // it sets the environment.
	v := newVisitor(t)
	v.do(chromedp.EmulateViewport(720, 820))
	v.open(serveForTest(t))
	assert.True(t, evaluate[bool](v, `document.getElementById('convert').disabled`), "no file is chosen")
	v.choose(inTestdata(t, "photo.png"))
	v.do(chromedp.Focus("#convert"))
	v.press()
	v.do(chromedp.WaitVisible("#progress"), chromedp.WaitVisible("#result"))
	assert.Equal(t, "The image is converted.", v.text("status"))
	assert.Equal(t, "Download photo.jpg", v.text("download"))
	assert.Equal(t, "download", v.focused())
	assert.Equal(t, []int{640, 480}, evaluate[[]int](v, `[document.getElementById('image').naturalWidth, document.getElementById('image').naturalHeight]`))
	if path := os.Getenv("SCREENSHOT"); path != "" {
		screenshot, err := chromedp.Run(v.ctx, chromedp.FullScreenshot(100))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, screenshot, 0o600))
	}
}

func TestPageByKeyboard(t *testing.T) {
	t.Parallel()
	v, s := newVisitor(t), newSite(t)
	release := s.blockConversions()
	v.open(s.url)
	var order []string
	next := func() {
		v.do(chromedp.KeyEvent(kb.Tab))
		order = append(order, v.focused())
	}
	v.choose(inTestdata(t, "photo.png"))
	next()
	next()
	next()
	assert.Equal(t, []string{"file", "format", "convert"}, order)
	v.press()
	v.wait(`document.getElementById('status').textContent.startsWith('Converting')`)
	assert.Equal(t, "cancel", v.focused())
	assert.Equal(t, []string{`"Converting the image"`}, v.names("progressbar"))
	assert.True(t, evaluate[bool](v, `['file', 'format', 'convert'].every(id => document.getElementById(id).disabled)`))
	release()
	v.do(chromedp.WaitVisible("#result"))
	assert.Equal(t, "download", v.focused())
	assert.True(t, evaluate[bool](v, `['file', 'format', 'convert'].every(id => !document.getElementById(id).disabled)`))
}

func TestPageShowsProgress(t *testing.T) {
	t.Parallel()
	v, s := newVisitor(t), newSite(t)
	upload := s.holdBack("/jobs")
	v.open(s.url)
	v.choose(largeImage(t, maxUpload))
	v.do(chromedp.Click("#convert"))
	v.wait(`document.getElementById('progress').value > 0`)
	assert.Equal(t, "Uploading the image", v.text("status"))
	assert.Less(t, evaluate[float64](v, `document.getElementById('progress').value`), 100.0)
	upload()
	assert.Equal(t, "This file could not be converted. It may be damaged: choose another one.", v.waitForError())

	conversion, download := s.blockConversions(), s.holdBack("/jobs/*/result")
	v.choose(inTestdata(t, "photo.png"))
	v.do(chromedp.Click("#convert"))
	v.wait(`document.getElementById('status').textContent === 'Converting the image' && document.getElementById('progress').value > 0`)
	conversion()
	v.wait(`document.getElementById('status').textContent === 'Downloading the image'`)
	evaluate[chromedp.Void](v, `values = []; void new MutationObserver(() => values.push(document.getElementById('progress').value)).
		observe(document.getElementById('progress'), { attributeFilter: ['value'] })`)
	download()
	v.do(chromedp.WaitVisible("#result"))
	assert.Contains(t, evaluate[[]float64](v, `values`), 100.0, "the progress of the download")
}

func TestPageContinuesAfterReload(t *testing.T) {
	t.Parallel()
	v, s := newVisitor(t), newSite(t)
	release := s.blockConversions()
	job := s.createWithoutScript(t).url
	v.open(job)
	v.wait(`document.getElementById('status').textContent.startsWith('Converting')`)
	release()
	v.do(chromedp.WaitVisible("#result"))
	assert.Equal(t, "Download photo.jpg", v.text("download"))
}

func TestPageExplainsFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file    string
		act     func(*site, visitor) // while the image is converted
		message string
	}{
		"too large": {
			largeImage(t, maxUpload+1), nil,
			"The image is larger than 20 MB. Choose a smaller one.",
		},
		"unknown format": {
			inTestdata(t, "webhooks/job.failed.json"), nil,
			"The format of this file is unknown. Choose an image such as a PNG or a JPEG.",
		},
		"damaged": {
			inTestdata(t, "broken.png"), nil,
			"This file could not be converted. It may be damaged: choose another one.",
		},
		"cancelled": {
			inTestdata(t, "photo.png"), func(_ *site, v visitor) { v.press() },
			"The conversion was cancelled. To start over, press Convert.",
		},
		"offline": {
			inTestdata(t, "photo.png"), func(_ *site, v visitor) {
				v.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
					_, err := cdp.Call(ctx, target, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
						MatchedNetworkConditions: []*network.Conditions{{Offline: true}},
					})
					if err != nil {
						return err
					}
					_, err = cdp.Call(ctx, target, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: true})
					return err
				}))
			},
			"You are offline. Connect to the internet, then press Convert.",
		},
		"server gone": {
			inTestdata(t, "photo.png"), func(s *site, v visitor) {
				require.NoError(v.t, s.server.Listener.Close())
				s.server.CloseClientConnections()
			},
			"This service cannot be reached. Try in a few minutes.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, s := newVisitor(t), newSite(t)
			if c.act != nil {
				release := s.blockConversions()
				defer release()
			}
			v.open(s.url)
			v.choose(c.file)
			v.do(chromedp.Focus("#convert"))
			v.press()
			if c.act != nil {
				v.wait(`document.getElementById('status').textContent.startsWith('Converting')`)
				c.act(s, v)
			}
			assert.Equal(t, c.message, v.waitForError())
			assert.Equal(t, "convert", v.focused())
			assert.Empty(t, v.text("status"))
			assert.True(t, evaluate[bool](v, `document.getElementById('running').hidden`))
		})
	}
}

func TestPageCancelsJob(t *testing.T) {
	t.Parallel()
	v, s := newVisitor(t), newSite(t)
	release := s.blockConversions()
	defer release()
	v.open(s.url)
	v.choose(inTestdata(t, "photo.png"))
	v.do(chromedp.Click("#convert"))
	v.wait(`document.getElementById('status').textContent.startsWith('Converting')`)
	jobs := s.sandbox.Jobs()
	require.Len(t, jobs, 1)
	v.do(chromedp.Click("#cancel"))
	assert.Equal(t, "The conversion was cancelled. To start over, press Convert.", v.waitForError())
	s.waitForJob(t, jobs[0].ID)
	assert.Empty(t, s.sandbox.Jobs())
}

// A page can also post a file directly to storage, without the program.
func TestUploadFormInBrowser(t *testing.T) {
	t.Parallel()
	v, s := newVisitor(t), newSite(t)
	client := s.sandbox.Client()
	job, err := client.Start(t.Context(), cloudconvert.Pipeline(
		cloudconvert.ImportUpload{Redirect: s.url + "/static/favicon.svg"},
		cloudconvert.Convert{OutputFormat: "jpg"},
		cloudconvert.ExportURL{},
	))
	require.NoError(t, err)
	task, _ := job.Task("import-upload")
	form, err := client.Tasks.UploadForm(t.Context(), task.ID)
	require.NoError(t, err)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		assert.NoError(t, template.Must(template.New("").Parse(`<!doctype html>
			<form method="post" action="{{.URL}}" enctype="multipart/form-data">
				{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}
				<input type="file" name="file"><button>Upload</button>
			</form>`)).Execute(w, form))
	}))
	defer page.Close()

	v.do(chromedp.Navigate(page.URL), chromedp.SetUploadFiles("input[type=file]", []string{inTestdata(t, "photo.png")}),
		chromedp.Click("button"), chromedp.WaitReady("svg"))
	job, err = client.Jobs.Wait(t.Context(), job.ID, cloudconvert.WithPendingUpload())
	require.NoError(t, err)
	assert.Equal(t, "photo.jpg", job.Files()[0].Filename)
}

func TestPageRefusesRemovedFile(t *testing.T) {
	t.Parallel()
	v, s := newVisitor(t), newSite(t)
	v.open(s.url)
	file := largeImage(t, 1)
	v.choose(file)
	require.NoError(t, os.Remove(file))
	v.do(chromedp.Click("#convert"))
	assert.Equal(t, "The file is empty or cannot be read. Choose another one.", v.waitForError())
}

// runAxe runs all rules, and returns also those that axe-core could not decide. It leaves
// out the rule that only reports hidden elements, which are shown in other states.
const runAxe = `axe.run({
	rules: Object.fromEntries(axe.getRules().map(rule => [rule.ruleId, { enabled: rule.ruleId !== 'hidden-content' }])),
}).then(({ violations, incomplete }) => [...violations, ...incomplete].map(({ id, help, nodes }) =>
	({ id, help, nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })) })))`

// violation is a rule that axe-core found violated, and where.
type violation struct {
	ID    string
	Help  string
	Nodes []struct{ HTML, FailureSummary string }
}

// TestAccessibility checks each state of the page with axe-core, the file that AXE_CORE names:
// all its rules, in light and dark, on narrow and wide screens. If SCREENSHOTS is set, it
// writes images of the states to that directory.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	file := os.Getenv("AXE_CORE")
	if file == "" {
		t.Skip("AXE_CORE does not name the file axe.min.js of axe-core")
	}
	axe, err := os.ReadFile(file)
	require.NoError(t, err)
	v, s := newVisitor(t), newSite(t)
	check := func(state string) {
		t.Helper()
		evaluate[chromedp.Void](v, string(axe))
		for _, width := range []int64{320, 768, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				v.do(chromedp.EmulateViewport(width, 800), prefer(scheme))
				name := state + "-" + strconv.FormatInt(width, 10) + "-" + scheme
				assert.Empty(t, evaluate[[]violation](v, runAxe), name)
				assert.LessOrEqual(t, evaluate[int64](v, `document.documentElement.scrollWidth`), width, name)
				if dir := os.Getenv("SCREENSHOTS"); dir != "" {
					screenshot, err := chromedp.Run(v.ctx, chromedp.FullScreenshot(100))
					require.NoError(t, err)
					require.NoError(t, os.WriteFile(filepath.Join(dir, name+".png"), screenshot, 0o600))
				}
			}
		}
	}
	upload := s.holdBack("/jobs")
	v.open(s.url)
	check("start")
	v.choose(largeImage(t, maxUpload))
	check("chosen")
	v.do(chromedp.Click("#convert"))
	v.wait(`document.getElementById('progress').value > 0`)
	check("uploading")
	upload()
	v.waitForError()
	check("failed")

	conversion, download := s.blockConversions(), s.holdBack("/jobs/*/result")
	v.choose(inTestdata(t, "photo.png"))
	v.do(chromedp.Click("#convert"))
	v.wait(`document.getElementById('status').textContent === 'Converting the image'`)
	check("converting")
	conversion()
	v.wait(`document.getElementById('status').textContent === 'Downloading the image'`)
	check("downloading")
	download()
	v.do(chromedp.WaitVisible("#result"))
	check("done")

	conversion = s.blockConversions()
	job := s.createWithoutScript(t).url
	v.do(withoutScript(s.url), chromedp.Navigate(job))
	check("converting-without-script")
	conversion()
	s.waitForJob(t, path.Base(job))
	v.do(chromedp.Click("#update"), chromedp.WaitVisible("#result"))
	check("done-without-script")
}

// withoutScript blocks the script of the page.
func withoutScript(url string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.SetBlockedURLs, network.SetBlockedURLsParams{
			URLPatterns: []*network.BlockPattern{{URLPattern: url + "/static/script.js", Block: true}},
		})
		return err
	})
}

// prefer sets the color scheme that the visitor prefers.
func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}
