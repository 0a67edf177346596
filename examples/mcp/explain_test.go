package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for want, fault := range map[string]cloudconverttest.Fault{
		"set CLOUDCONVERT_API_KEY": {Status: 401, Code: "UNAUTHENTICATED"},
		"lacks a scope":            {Status: 403, Code: "FORBIDDEN"},
		"add credits":              {Status: 402, Code: "CREDITS_EXCEEDED"},
		"try later":                {Status: 402, Code: "PARALLEL_JOB_LIMIT_EXCEEDED"},
		"is counted in the budget": {Kind: cloudconverttest.Reset, Phase: cloudconverttest.Before},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // a lost response takes half a minute
				w := newWorld(t, setup{service: []cloudconverttest.Option{cloudconverttest.WithInProcess()}})
				fault.Path = "/v2/jobs"
				w.service.Inject(fault)
				assert.Contains(t, w.fails(t, "convert_file", arguments{"input": "a.docx", "output": "b.pdf"}), want)
			})
		})
	}
}

func TestFailuresOfServiceAreTemporary(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudconverttest.Fault{
		"no response": {Kind: cloudconverttest.Reset, Phase: cloudconverttest.Before},
		"failure":     {Status: http.StatusNotImplemented},
	} {
		w := newWorld(t, setup{options: []cloudconvert.Option{cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1})}})
		fault.Path = "/v2/users/me"
		w.service.Inject(fault)
		assert.Contains(t, w.fails(t, "get_account", nil), "the service cannot be reached or has failed: try later", name)
	}
}

// The errors are those that the library makes now.
func TestErrorsHaveTermsOfTools(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.write(t, "README", "text")
	convert := func(input string) arguments {
		return arguments{"operation": "convert", "input": input, "output_format": "pdf"}
	}
	upload := arguments{"operation": "import/upload"}
	for want, in := range map[string]arguments{
		`no extension: give the file a name with an extension`: {
			"tasks": arguments{"in": upload, "c": convert("in")}, "files": arguments{"in": "README"},
		},
		`the source "a.docx": name it in the input of one`: {
			"tasks": arguments{"in": upload, "page": arguments{"operation": "capture-website", "url": "https://x", "output_format": "pdf"}},
			"files": arguments{"in": "a.docx"},
		},
		`; task "d"`: {"tasks": arguments{"c": convert("x"), "d": convert("y")}},
	} {
		in["output"] = "b.pdf"
		assert.Contains(t, w.refuses(t, "run_pipeline", in), want)
	}
	w.write(t, "large.docx", strings.Repeat("x", 1<<20))
	w.service.Inject(cloudconverttest.Fault{Path: "storage:upload", Status: http.StatusForbidden})
	w.service.Inject(cloudconverttest.Fault{Method: http.MethodDelete, Role: cloudconverttest.RoleAPI, Status: http.StatusForbidden})
	assert.Contains(t, w.fails(t, "convert_file", arguments{"input": "large.docx", "output": "b.pdf"}), "; the job ")
}

// Neither the key nor the query of a URL is in an error, wherever it comes from.
func TestErrorsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	const secret = "X-Amz-Signature=SECRET"
	noRetries := []cloudconvert.Option{
		cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: -1}), cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1}),
	}
	w := newWorld(t, setup{options: noRetries})
	url := "https://example.com/a.docx?" + secret
	w.service.Handle("import/url", func(context.Context, *cloudconverttest.Run) error {
		return cloudconverttest.Fail("DOWNLOAD_FAILED", "cannot fetch "+url)
	})
	check := func(text string) {
		t.Helper()
		assert.NotContains(t, text, "SECRET")
		assert.NotContains(t, text, "X-Amz")
		assert.NotContains(t, text, w.service.Key())
	}
	check(w.fails(t, "convert_file", arguments{"input": url, "output": "b.pdf"}))
	check(w.fails(t, "convert_file", arguments{"input": "a.docx", "output": url}))
	check(w.fails(t, "convert_file", arguments{"input": "file:///x?" + secret, "output": "b.pdf"}))
	check(w.fails(t, "convert_file", arguments{"input": "https:/" + url[len("https:/"):] + "%zz", "output": "b.pdf"}))
	check(w.fails(t, "run_pipeline", arguments{
		"tasks": arguments{"in": arguments{"operation": "import/upload"}, "c": arguments{"operation": "convert", "input": "in", "output_format": "pdf"}},
		"files": arguments{"in": url}, "output": "b.pdf",
	}))
	w.service.Inject(cloudconverttest.Fault{Method: "POST", Path: "/v2/jobs", Status: 422, Code: "INVALID_DATA", Message: "bad URL " + url + " for " + w.service.Key()})
	check(w.fails(t, "convert_file", arguments{"input": url, "output": "b.pdf"}))
	w.service.ClearFaults()
	for _, path := range []string{"storage:upload", "storage:download"} {
		w.service.Inject(cloudconverttest.Fault{Path: path, Kind: cloudconverttest.Reset, Phase: cloudconverttest.Before})
		w.write(t, "large.docx", string(make([]byte, 1<<20)))
		check(w.fails(t, "convert_file", arguments{"input": "large.docx", "output": "b.pdf"}))
		w.service.ClearFaults()
	}
}

func TestErrorsOfEnvironment(t *testing.T) {
	t.Setenv("CLOUDCONVERT_API_KEY", "an-invented-key")
	t.Setenv("CLOUDCONVERT_REGION", "mars")
	_, err := cloudconvert.NewClientFromEnv()
	text := errNoClient(err).Error()
	assert.Contains(t, text, `CLOUDCONVERT_REGION: invalid region "mars"`)
	assert.NotRegexp(t, libraryTerms, text)
	t.Setenv("CLOUDCONVERT_REGION", "us-east")
	t.Setenv("CLOUDCONVERT_SANDBOX", "true")
	t.Setenv("CLOUDCONVERT_API_URL", "https://api.example/v2")
	t.Setenv("CLOUDCONVERT_SYNC_URL", "https://sync.example/v2")
	_, err = cloudconvert.NewClientFromEnv()
	text = errNoClient(err).Error()
	assert.Contains(t, text, "CLOUDCONVERT_SANDBOX and CLOUDCONVERT_REGION and CLOUDCONVERT_API_URL: each sets")
	assert.NotRegexp(t, libraryTerms, text)
}

func TestServerWithoutKey(t *testing.T) {
	t.Parallel()
	_, err := cloudconvert.NewClient("")
	s := newServer(settings{budget: 1, dirs: []string{t.TempDir()}}, nil, err)
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	w := &world{session: connect(t, s, client, ""), service: cloudconverttest.NewServer()}
	t.Cleanup(w.service.Close)
	for tool, in := range map[string]arguments{
		"convert_file": {"input": "a.docx", "output": "b.pdf"}, "list_formats": {"input_format": "png"}, "get_account": {},
	} {
		text := w.refuses(t, tool, in)
		assert.Contains(t, text, "change the environment of this server")
		assert.Contains(t, text, keysPage)
	}
}
