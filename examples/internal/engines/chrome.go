package engines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"image/png"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// chrome makes PDFs and images of websites.
type chrome struct{ *program }

// findChrome returns nil if no browser of the Chromium family is installed.
func (k *kit) findChrome() *chrome {
	p := k.tool("--version", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
	if p == nil {
		return nil
	}
	return &chrome{p}
}

func (c *chrome) engine() Engine {
	return Engine{
		Name: "chrome", Path: c.path, version: c.readVersion,
		operations: map[string]operation{
			"capture-website": {to: []string{"jpg", "pdf", "png"}, task: c.capture},
		},
	}
}

// capture loads a website and makes a PDF or an image of it.
func (c *chrome) capture(ctx context.Context, run *cloudconverttest.Run) error {
	u, err := url.Parse(run.Text("url"))
	switch {
	case err != nil:
		return cloudconverttest.ErrUnsupported
	case !c.kit.options.Network && !local(u.Hostname()):
		return unsupported("the website is not on this machine: start the sandbox with -network")
	}
	dir, err := run.Dir()
	if err != nil {
		return err
	}
	release, err := c.kit.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	file, err := c.load(ctx, run, dir)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return cloudconverttest.Fail("CAPTURE_FAILED", "The website cannot be captured: "+clip(err.Error()))
	}
	return run.Write(run.OutputName(run.Input()), file)
}

// local reports whether a host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// load runs a browser and returns the capture.
func (c *chrome) load(ctx context.Context, run *cloudconverttest.Run, dir string) ([]byte, error) {
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(c.path), chromedp.DisableGPU, chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			cmd.Dir, cmd.Env = dir, environment(dir)
			isolate(cmd)
		}))
	if !c.kit.options.Network {
		options = append(options, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]"))
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it does not start as root with its sandbox
	}
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	ctx, closeBrowser := chromedp.NewContext(ctx)
	defer closeBrowser()
	if err := chromedp.Do(ctx, prepare(run), chromedp.Navigate(run.Text("url")), settle(run)); err != nil {
		return nil, err
	}
	if run.OutputFormat == "pdf" {
		settings, err := printSettings(run)
		if err != nil {
			return nil, err
		}
		return chromedp.Run(ctx, chromedp.PrintToPDF(func(p *page.PrintToPDFParams) { *p = settings }))
	}
	shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil || run.OutputFormat == "png" {
		return shot, err
	}
	m, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = jpeg.Encode(&out, m, &jpeg.Options{Quality: 90})
	return out.Bytes(), err
}

// prepare sets the size of the window, the headers and the type of media.
func prepare(run *cloudconverttest.Run) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		width, height := screenSide(run, "screen_width", 1440), screenSide(run, "screen_height", 900)
		if _, err := chromedp.EmulateViewport(width, height)(ctx, t); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: extraHeaders(run)})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: run.Text("css_media_type")})
		return err
	})
}

func screenSide(run *cloudconverttest.Run, name string, standard int64) int64 {
	if n := int64(run.Number(name)); n > 0 && n <= 10_000 {
		return n
	}
	return standard
}

func extraHeaders(run *cloudconverttest.Run) network.Headers {
	extra := network.Headers{}
	headers, _ := run.Params["headers"].(map[string]any)
	for name, value := range headers {
		extra[name] = fmt.Sprint(value)
	}
	return extra
}

// quiet is how long a network without requests is idle.
const quiet = 500 * time.Millisecond

// settle waits after the load event, which is later than domcontentloaded.
func settle(run *cloudconverttest.Run) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if strings.HasPrefix(run.Text("wait_until"), "networkidle") {
			if _, err := chromedp.Sleep(quiet)(ctx, t); err != nil {
				return err
			}
		}
		if selector := run.Text("wait_for_element"); selector != "" {
			if _, err := chromedp.WaitReady(selector)(ctx, t); err != nil {
				return err
			}
		}
		if pause := time.Duration(run.Number("wait_time")) * time.Millisecond; pause > 0 {
			_, err := chromedp.Sleep(pause)(ctx, t)
			return err
		}
		return nil
	})
}

// paper are the sizes of pages in centimeters.
var paper = map[string][2]float64{
	"letter": {21.59, 27.94}, "legal": {21.59, 35.56}, "tabloid": {27.94, 43.18}, "ledger": {43.18, 27.94},
	"a0": {84.1, 118.9}, "a1": {59.4, 84.1}, "a2": {42, 59.4}, "a3": {29.7, 42}, "a4": {21, 29.7}, "a5": {14.8, 21}, "a6": {10.5, 14.8},
}

// printSettings returns the settings of a PDF.
func printSettings(run *cloudconverttest.Run) (page.PrintToPDFParams, error) {
	const centimeters, millimeters = 2.54, 25.4 // of an inch
	size, ok := paper[strings.ToLower(run.Text("page_format"))]
	if !ok {
		size = [2]float64{run.Number("page_width"), run.Number("page_height")}
	}
	p := page.PrintToPDFParams{
		PaperWidth: size[0] / centimeters, PaperHeight: size[1] / centimeters, Scale: run.Number("zoom"),
		PageRanges: run.Text("pages"), HeaderTemplate: run.Text("header_template"), FooterTemplate: run.Text("footer_template"),
		Landscape:           new(run.Text("page_orientation") == "landscape"),
		DisplayHeaderFooter: new(run.Bool("display_header_footer")),
		PrintBackground:     new(run.Params["print_background"] == nil || run.Bool("print_background")),
	}
	if p.Scale != 0 && (p.Scale < 0.1 || p.Scale > 2) {
		return p, errors.New("zoom needs a number from 0.1 to 2")
	}
	for name, margin := range map[string]**float64{
		"margin_top": &p.MarginTop, "margin_bottom": &p.MarginBottom, "margin_left": &p.MarginLeft, "margin_right": &p.MarginRight,
	} {
		if run.Params[name] != nil {
			*margin = new(run.Number(name) / millimeters)
		}
	}
	return p, nil
}
