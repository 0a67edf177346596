package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// sought hides that a reader can be read at any place.
type sought struct{ io.ReadSeeker }

// converting returns a request that converts a source.
func converting(src cloudconvert.Source, format string) *cloudconvert.JobRequest {
	return cloudconvert.Pipeline(src, cloudconvert.Convert{OutputFormat: format})
}

func TestConvertRequests(t *testing.T) {
	t.Parallel()
	small, limit, large := testkit.Content(100), testkit.Content(testkit.InlineDefault), testkit.Content(testkit.InlineDefault+1)
	dir := t.TempDir()
	fromFile := func(text string) cloudconvert.Source {
		return cloudconvert.FromFile(testkit.WriteFile(t, filepath.Join(dir, strconv.Itoa(len(text)), "a.txt"), text))
	}
	remote := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), large)
	for _, c := range []struct {
		name string
		src  cloudconvert.Source
		opts []cloudconvert.ConvertOption
		text string
		want []string
	}{
		{"small file", fromFile(small), nil, small, inlineWay},
		{"file of one byte", fromFile("x"), nil, "x", inlineWay},
		{"file at the limit", fromFile(limit), nil, limit, inlineWay},
		{"file above the limit", fromFile(large), nil, large, uploadWay},
		{"empty file", fromFile(""), nil, "", uploadWay},
		{"small bytes", cloudconvert.FromBytes("a.txt", []byte(small)), nil, small, inlineWay},
		{"large bytes", cloudconvert.FromBytes("a.txt", []byte(large)), nil, large, uploadWay},
		{"small reader", cloudconvert.FromReader("a.txt", strings.NewReader(small)), nil, small, inlineWay},
		{"small seeker", cloudconvert.FromReader("a.txt", sought{strings.NewReader(small)}), nil, small, inlineWay},
		{"small buffer", cloudconvert.FromReader("a.txt", bytes.NewBufferString(small)), nil, small, inlineWay},
		{"small stream", cloudconvert.FromReader("a.txt", one{strings.NewReader(small)}), nil, small, inlineWay},
		{"large seeker", cloudconvert.FromReader("a.txt", sought{strings.NewReader(large)}), nil, large, uploadWay},
		{"large stream", cloudconvert.FromReader("a.txt", one{strings.NewReader(large)}), nil, large, uploadWay},
		{"address", cloudconvert.FromURL("https://example.com/a.txt"), nil, large, inlineWay},
		{
			"other limit", fromFile(large),
			[]cloudconvert.ConvertOption{cloudconvert.WithInlineLimit(testkit.InlineDefault + 1)},
			large, inlineWay,
		},
		{"no limit", fromFile("x"), []cloudconvert.ConvertOption{cloudconvert.WithInlineLimit(0)}, "x", uploadWay},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			server.HandleURL("https://example.com/a.txt", remote)
			job, err := server.Client().Convert(t.Context(), c.src, "pdf", c.opts...)
			require.NoError(t, err)
			assert.Equal(t, cloudconvert.StatusFinished, job.Status)
			require.Len(t, job.Files(), 1)
			assert.Equal(t, "a.pdf", job.Files()[0].Filename)
			var got bytes.Buffer
			_, err = server.Client().Download(t.Context(), job.Files()[0], &got)
			require.NoError(t, err)
			testkit.Same(t, "pdf: "+c.text, got.String())
			assert.Equal(t, c.want, testkit.Outline(server))
		})
	}
}

// A tag that the caller set may not be unique, so the job of a lost response could not
// be found by it: the job is created by a request whose response comes at once.
func TestRunOfATaggedJobTakesThreeRequests(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	request := converting(cloudconvert.FromBytes("a.txt", []byte("x")), "pdf")
	request.Tag = "mine"
	job, err := server.Client().Run(t.Context(), request)
	require.NoError(t, err)
	_, err = server.Client().Download(t.Context(), job.Files()[0], io.Discard)
	require.NoError(t, err)
	assert.Equal(t, taggedWay, testkit.Outline(server))
}

func TestConvertTakesTwoRequests(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	src := testkit.WriteFile(t, filepath.Join(dir, "photo.png"), string(picture(t, 100<<10)))
	_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "photo.jpg"))
	require.NoError(t, err)
	assert.Equal(t, inlineWay, testkit.Outline(server))
	assert.Equal(t, "image/jpeg", http.DetectContentType([]byte(testkit.ReadFile(t, filepath.Join(dir, "photo.jpg")))))
}

func TestConvertKeepsOneConnectionPerHost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ limit, connections int }{
		"inline": {1000, 2},
		"upload": {0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			client := server.Client()
			dir := t.TempDir()
			src := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), testkit.Content(1000))
			for i := range 10 {
				_, err := client.ConvertFile(t.Context(), src, filepath.Join(dir, fmt.Sprint(i, ".pdf")), cloudconvert.WithInlineLimit(int64(c.limit)))
				require.NoError(t, err)
			}
			assert.Equal(t, c.connections, server.ConnectionsAccepted())
		})
	}
}

// The default inline limit is chosen by these figures.
func TestConvertInlineSavesTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size int
		// How long inline takes, as a fraction of an upload.
		cold, warm float64
	}{
		{100, 0.6, 0.5},
		{10_000, 0.61, 0.53},
		{100 << 10, 0.7, 0.71},
		{testkit.InlineDefault, 0.9, 1},
	} {
		t.Run(fmt.Sprint(c.size, " bytes"), func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				file := []byte(testkit.Content(c.size))
				coldInline, warmInline := timed(t, server, file, testkit.InlineDefault)
				coldUpload, warmUpload := timed(t, server, file, 0)
				t.Logf("inline %v, %v when warm; uploaded %v, %v", coldInline, warmInline, coldUpload, warmUpload)
				assert.LessOrEqual(t, coldInline.Seconds(), c.cold*coldUpload.Seconds())
				assert.LessOrEqual(t, warmInline.Seconds(), c.warm*warmUpload.Seconds())
			}, cloudconverttest.WithHTTP2())
		})
	}
}

// timed converts a file twice over a link and returns how long each conversion took.
func timed(t *testing.T, server *cloudconverttest.Server, file []byte, limit int64) (cold, warm time.Duration) {
	t.Helper()
	server.HandleConvert("txt", "small", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("a.small", []byte("result"))
	})
	client := server.Client(testkit.Linked(t, server)...)
	convert := func() time.Duration {
		start := time.Now()
		job, err := client.Convert(t.Context(), cloudconvert.FromBytes("a.txt", file), "small", cloudconvert.WithInlineLimit(limit))
		require.NoError(t, err)
		_, err = client.Download(t.Context(), job.Files()[0], io.Discard)
		require.NoError(t, err)
		return time.Since(start)
	}
	return convert(), convert()
}

// brokenAnswers are faults that lose the response to a creation after the job was created.
var brokenAnswers = map[string]cloudconverttest.Fault{
	"reset":     {Phase: cloudconverttest.After, Kind: cloudconverttest.Reset},
	"cut":       {Kind: cloudconverttest.Truncate},
	"too short": {Kind: cloudconverttest.WrongLength},
	"gateway":   {Phase: cloudconverttest.After, Kind: cloudconverttest.Status, Status: http.StatusBadGateway},
	"failure":   {Phase: cloudconverttest.After, Kind: cloudconverttest.Status, Status: http.StatusInternalServerError, Code: "INTERNAL_ERROR"},
	"garbage":   {Phase: cloudconverttest.After, Kind: cloudconverttest.Garbage},
	"silence":   {Phase: cloudconverttest.After, Kind: cloudconverttest.Stall},
}

func TestConvertFindsJobsOfLostResponses(t *testing.T) {
	t.Parallel()
	for name, fault := range brokenAnswers {
		for _, way := range []struct {
			role cloudconverttest.Role
			opt  cloudconvert.ConvertOption
		}{
			{cloudconverttest.RoleSync, cloudconvert.WithInlineLimit(1000)},
			{cloudconverttest.RoleAPI, cloudconvert.WithInlineLimit(0)},
		} {
			t.Run(name+" of "+string(way.role), func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					fault := fault
					fault.Method, fault.Path, fault.Role, fault.Nth = http.MethodPost, "/v2/jobs", way.role, 1
					server.Inject(fault)
					dst := filepath.Join(t.TempDir(), "a.pdf")
					src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "hello")
					paths, err := server.Client().ConvertFile(t.Context(), src, dst, way.opt)
					require.NoError(t, err)
					assert.Equal(t, []string{dst}, paths)
					assert.Equal(t, "pdf: hello", testkit.ReadFile(t, dst))
					assert.Equal(t, 1, testkit.JobCount(server), "no second job")
				}, cloudconverttest.WithTaskDuration(3*time.Second))
			})
		}
	}
}

func TestConvertReportsUnknownOutcome(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Path: "/v2/jobs", Kind: cloudconverttest.Reset})
		job, err := server.Client().Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("x")), "pdf")
		require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
		assert.Nil(t, job)
		assert.Zero(t, testkit.JobCount(server))
	})
}

// The job takes longer than any request of the wait.
func TestConvertWaitsForLongJobs(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				start := time.Now()
				job, err := server.Client().Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("x")), "pdf", cloudconvert.WithInlineLimit(limit))
				require.NoError(t, err)
				assert.Equal(t, cloudconvert.StatusFinished, job.Status)
				assert.Equal(t, 1, testkit.JobCount(server))
				assert.Less(t, time.Since(start), 3*time.Hour+2*time.Minute)
			}, cloudconverttest.WithTaskDuration(time.Hour))
		})
	}
}

func TestConvertReportsFailedJob(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job, err := server.Client().Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("x")), "bad", cloudconvert.WithInlineLimit(limit))
			require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
			require.ErrorIs(t, err, cloudconvert.CodeOpenFailed)
			require.ErrorContains(t, err, "The document is protected")
			require.NotNil(t, job)
			assert.Equal(t, cloudconvert.StatusError, job.Status)
		})
	}
}

func TestRunSendsTheRequestUnchanged(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	request := cloudconvert.Pipeline(
		cloudconvert.FromBytes("a.dat", []byte("x")),
		cloudconvert.Convert{
			InputFormat: "txt", OutputFormat: "pdf", Engine: "office", EngineVersion: "2.1", Filename: "b.pdf",
			Options: cloudconvert.Options{"pages": "1-2", "quality": 70},
		},
		cloudconvert.ExportURL{ArchiveMultipleFiles: true},
	)
	request.Tag, request.WebhookURL = "march", "https://example.com/hook"
	_, err := server.Client().Run(t.Context(), request)
	require.NoError(t, err)
	require.Len(t, server.Jobs(), 1)
	job := server.Jobs()[0]
	assert.Equal(t, "march", job.Tag)
	assert.Equal(t, "https://example.com/hook", job.WebhookURL)
	require.Len(t, job.Tasks, 3)
	for _, task := range job.Tasks {
		switch task.Name {
		case "source":
			assert.Equal(t, "a.dat", task.Params["filename"])
		case "convert":
			assert.Equal(t, map[string]string{
				"pages": "1-2", "quality": "70", "engine": "office", "engine_version": "2.1",
				"input_format": "txt", "output_format": "pdf", "filename": "b.pdf",
			}, texts(task.Params))
		case "export-url":
			assert.Equal(t, true, task.Params["archive_multiple_files"])
		default:
			t.Errorf("unexpected task %q", task.Name)
		}
	}
}

func TestConvertOptionsAreParameters(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	options := cloudconvert.Options{"pages": "1-2"}
	_, err := server.Client().Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("x")), ".PDF",
		cloudconvert.WithOptions(options), cloudconvert.WithOption("quality", 70))
	require.NoError(t, err)
	require.Len(t, server.Jobs(), 1)
	for _, task := range server.Jobs()[0].Tasks {
		if task.Name == "convert" {
			assert.Equal(t, map[string]string{"pages": "1-2", "quality": "70", "output_format": "pdf"}, texts(task.Params))
		}
	}
	assert.Equal(t, cloudconvert.Options{"pages": "1-2"}, options, "the caller's map is left alone")
}

// texts returns parameters as text.
func texts(params map[string]any) map[string]string {
	texts := map[string]string{}
	for name, value := range params {
		texts[name] = fmt.Sprint(value)
	}
	return texts
}

func TestConvertFormats(t *testing.T) {
	t.Parallel()
	for format, sent := range map[string]string{
		"pdf": "pdf", ".pdf": "pdf", "PDF": "pdf", "jpeg": "jpg", "tif": "tiff", "htm": "html", "tgz": "tar.gz",
		"TAR.GZ": "tar.gz", "7z": "7z", "mpeg-4": "mpeg-4",
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			server.HandleConvert("*", "*", func(_ context.Context, run *cloudconverttest.Run) error {
				return run.Write("a."+sent, nil)
			})
			_, err := server.Client().Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("x")), format)
			require.NoError(t, err)
			for _, task := range server.Tasks() {
				if task.Name == "convert" {
					assert.Equal(t, sent, task.Params["output_format"])
				}
			}
		})
	}
}

// Nothing is sent, and the error says what is wrong.
func TestConvertRefusesInvalidCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := cloudconvert.FromBytes("a.txt", []byte("x"))
	type options = []cloudconvert.ConvertOption
	for name, c := range map[string]struct {
		src    cloudconvert.Source
		format string
		opts   options
		want   string
	}{
		"no format":                 {text, "", nil, `"" is not an output format`},
		"format of a path":          {text, "../pdf", nil, `"../pdf" is not an output format`},
		"format with spaces":        {text, "p d f", nil, `"p d f" is not an output format`},
		"no source":                 {cloudconvert.Source{}, "pdf", nil, "the source is empty"},
		"source of no name":         {cloudconvert.FromBytes("", nil), "pdf", nil, `cannot tell the format of the source ""`},
		"no extension":              {cloudconvert.FromBytes("README", nil), "pdf", nil, `"README"`},
		"odd extension":             {cloudconvert.FromBytes("a.b c", nil), "pdf", nil, `"a.b c"`},
		"dot file":                  {cloudconvert.FromBytes(".txt", nil), "pdf", nil, `".txt"`},
		"only tar.gz":               {cloudconvert.FromBytes(".tar.gz", nil), "zip", nil, `".tar.gz"`},
		"trailing dot":              {cloudconvert.FromBytes("a.", nil), "pdf", nil, "use Source.WithName"},
		"directory":                 {cloudconvert.FromFile(dir).WithName("a.txt"), "pdf", nil, "is a directory"},
		"directory of no extension": {cloudconvert.FromFile(dir), "pdf", nil, "is a directory: name a file"},
		"directory as reader":       {cloudconvert.FromReader("a.txt", mustOpen(t, dir)), "pdf", nil, "is a directory"},
		"nil reader":                {cloudconvert.FromReader("a.txt", nil), "pdf", nil, "the reader of the source is nil"},
		"negative limit":            {text, "pdf", options{cloudconvert.WithInlineLimit(-1)}, "WithInlineLimit"},
		"limit too high":            {text, "pdf", options{cloudconvert.WithInlineLimit(10_000_001)}, "WithInlineLimit"},
		"option set twice":          {text, "pdf", options{cloudconvert.WithOption("a", 1), cloudconvert.WithOption("a", 2)}, `"a" is set twice`},
		"option of no name":         {text, "pdf", options{cloudconvert.WithOption("", 1)}, "an option has no name"},
		"option of a field":         {text, "pdf", options{cloudconvert.WithOption("output_format", "png")}, `"output_format" is set twice`},
		"nil progress":              {text, "pdf", options{cloudconvert.WithProgress(nil)}, "WithProgress"},
		"delete":                    {text, "pdf", options{cloudconvert.WithDelete()}, "WithDelete: the files of the job would be lost: use ConvertFile"},
		"of a file":                 {text, "pdf", options{cloudconvert.WithOverwrite()}, "Convert does not accept WithOverwrite: it writes no files: use ConvertFile"},
		"several":                   {text, "pdf", options{cloudconvert.WithInlineLimit(-1), cloudconvert.WithProgress(nil)}, "WithProgress"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			job, err := server.Client().Convert(t.Context(), c.src, c.format, c.opts...)
			require.ErrorContains(t, err, c.want)
			if name != "directory as reader" {
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			}
			assert.Equal(t, 1, strings.Count(err.Error(), "cloudconvert:"), err)
			assert.Nil(t, job)
			assert.Equal(t, noRequests, testkit.Outline(server))
		})
	}
}

// A single file is named after the source. Several keep the names of the service.
func TestRunFileNamesFilesInDirectory(t *testing.T) {
	t.Parallel()
	pages := cloudconvert.FromReader("in/a.b.txt", one{strings.NewReader("1\n2")})
	for name, c := range map[string]struct {
		src    cloudconvert.Source
		format string
		opt    cloudconvert.RunOption
		want   []string
	}{
		"bytes":   {cloudconvert.FromBytes("in/a.b.txt", []byte("x")), "pdf", cloudconvert.WithDelete(), []string{"a.b.pdf"}},
		"reader":  {pages, "page", cloudconvert.WithDelete(), []string{"page-1.page", "page-2.page"}},
		"URL":     {cloudconvert.FromURL("https://example.com/in/my%20text.txt?x=1"), "pdf", cloudconvert.WithDelete(), []string{"my text.pdf"}},
		"replace": {cloudconvert.FromBytes("there.txt", []byte("x")), "pdf", cloudconvert.WithOverwrite(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			server.HandleURL("https://example.com/in/my%20text.txt?x=1", testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "x"))
			dir := filepath.Join(t.TempDir(), "new", "out")
			there := testkit.WriteFile(t, filepath.Join(dir, "there.pdf"), "untouched")
			paths, err := server.Client().RunFile(t.Context(), converting(c.src, c.format), dir+"/", c.opt)
			require.NoError(t, err)
			assert.Equal(t, append(c.want, "there.pdf"), testkit.Listed(t, dir))
			if name == "replace" {
				assert.Equal(t, []string{there}, paths)
				assert.Equal(t, "pdf: x", testkit.ReadFile(t, there))
				return
			}
			for i, file := range c.want {
				assert.Equal(t, filepath.Join(dir, file), paths[i])
			}
			assert.Equal(t, "untouched", testkit.ReadFile(t, there))
			assert.Zero(t, testkit.JobCount(server), "deleted")
		})
	}
	server, dir := testkit.NewSandbox(t), t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "a.pdf"), "untouched")
	_, err := server.Client().RunFile(t.Context(), converting(cloudconvert.FromBytes("a.txt", []byte("x")), "pdf"), dir+"/")
	require.ErrorIs(t, err, fs.ErrExist)
	assert.Equal(t, noRequests, testkit.Outline(server))
}

func TestConvertReportsSourceFailures(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	for name, c := range map[string]struct {
		reader io.Reader
		want   string
	}{
		"broken":         {iotest.ErrReader(broken), broken.Error()},
		"broken later":   {io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), broken.Error()},
		"shorter":        {lying{strings.NewReader("12345"), 6}, "source size changed: want 6 bytes, got 5"},
		"longer":         {lying{strings.NewReader("12345"), 4}, "source size changed: want 4 bytes, got more"},
		"negative":       {lying{strings.NewReader("12345"), -1}, "negative"},
		"shorter upload": {lying{strings.NewReader("12345"), 1 << 20}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			_, err := server.Client().Convert(t.Context(), cloudconvert.FromReader("a.txt", c.reader), "pdf")
			require.ErrorContains(t, err, c.want)
			assert.Zero(t, testkit.JobCount(server), "nothing waits for the file")
		})
	}
}

// lying reports a length other than its own.
type lying struct {
	io.Reader

	length int
}

func (l lying) Len() int { return l.length }

func TestConvertUsesReadersOnce(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	src := cloudconvert.FromReader("a.txt", one{strings.NewReader("x")})
	_, err := server.Client().Convert(t.Context(), src, "pdf")
	require.NoError(t, err)
	_, err = server.Client().Convert(t.Context(), src, "pdf")
	require.ErrorContains(t, err, "already used")
	assert.Equal(t, 1, testkit.JobCount(server))
}

// The service gets names without directories, and always an extension.
func TestSourceNamesAreSafe(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	for name, c := range map[string]struct{ rename, want string }{
		"a.txt":           {want: "a.txt"},
		"dir/a.txt":       {want: "a.txt"},
		"/etc/a.TXT":      {want: "a.TXT"},
		"Überschrift.txt": {want: "Überschrift.txt"},
		"日本 語.txt":        {want: "日本 語.txt"},
		"a.b.txt":         {want: "a.b.txt"},
		"-.txt":           {want: "-.txt"},
		"a.dat":           {want: "a.dat"},
		"README":          {rename: "README.txt", want: "README.txt"},
		".hidden":         {rename: "dir/.hidden.txt", want: ".hidden.txt"},
		"a.":              {rename: "a.txt", want: "a.txt"},
		"version 1.2 b":   {rename: "version 1.2 b.txt", want: "version 1.2 b.txt"},
		"a.odd":           {rename: "b.txt", want: "b.txt"},
	} {
		for way, limit := range map[string]int64{"inline": 1000, "upload": 0} {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				src := cloudconvert.FromBytes(name, []byte("x"))
				if c.rename != "" {
					_, err := server.Client().Convert(t.Context(), src.WithName(name), "pdf")
					if name != "a.odd" {
						require.ErrorIs(t, err, cloudconvert.ErrInvalid)
					}
					src = src.WithName(c.rename)
				}
				job, err := server.Client().Run(t.Context(), cloudconvert.Pipeline(src, cloudconvert.Convert{InputFormat: "txt", OutputFormat: "pdf"}),
					cloudconvert.WithInlineLimit(limit))
				require.NoError(t, err)
				task, found := job.Task("source")
				require.True(t, found)
				require.Len(t, task.Result.Files, 1)
				assert.Equal(t, c.want, task.Result.Files[0].Filename)
			})
		}
	}
}

func TestConvertReportsProgress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit int64
		want  []cloudconvert.Phase
	}{
		"inline": {1000, []cloudconvert.Phase{cloudconvert.PhaseProcess, cloudconvert.PhaseDownload}},
		"upload": {0, []cloudconvert.Phase{cloudconvert.PhaseUpload, cloudconvert.PhaseProcess, cloudconvert.PhaseDownload}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				var seen reports
				dir := t.TempDir()
				src := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), testkit.Content(1000))
				_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"),
					cloudconvert.WithProgress(seen.add), cloudconvert.WithInlineLimit(c.limit))
				require.NoError(t, err)
				assert.Equal(t, c.want, seen.phases())
				percent := 0
				for _, p := range seen.all {
					if p.Phase == cloudconvert.PhaseProcess {
						assert.GreaterOrEqual(t, p.Percent, percent)
						percent = p.Percent
					}
				}
				assert.Equal(t, 100, percent)
				last := seen.all[len(seen.all)-1]
				assert.Equal(t, cloudconvert.Progress{Work: src, Phase: cloudconvert.PhaseDownload, Name: "a.pdf", Done: 1005, Total: 1005}, last)
				assert.False(t, seen.bad)
			}, cloudconverttest.WithTaskDuration(10*time.Second))
		})
	}
}

// unsized hides the methods of a reader other than Read, so that it is copied to a file.
type unsized struct{ io.Reader }

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Another program may remove the temporary copy of a source once the job exists.
func TestConvertSurvivesRemovalOfItsCopy(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	copies, dir := t.TempDir(), t.TempDir()
	server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("a.pdf", []byte("made"))
	})
	var log testkit.Log
	client := server.Client(log.Option(), cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: copies}))
	src := cloudconvert.FromReader("a.txt", io.MultiReader(strings.NewReader("text"), readerFunc(func([]byte) (int, error) {
		assert.NoError(t, os.Remove(filepath.Join(copies, testkit.Listed(t, copies)[0])))
		return 0, io.EOF
	})))
	_, err := client.RunFile(t.Context(), converting(src, "pdf"), dir+"/", cloudconvert.WithInlineLimit(0), cloudconvert.WithDelete())
	require.NoError(t, err)
	assert.Equal(t, "made", testkit.ReadFile(t, filepath.Join(dir, "a.pdf")))
	warnings := log.Lines(slog.LevelWarn)
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], "cannot close the source")
}

func TestConvertRemovesItsCopyAfterAPanic(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	copies := t.TempDir()
	client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: copies}))
	src := cloudconvert.FromReader("a.txt", unsized{strings.NewReader("text")})
	assert.Panics(t, func() {
		_, _ = client.Convert(t.Context(), src, "pdf", cloudconvert.WithInlineLimit(0), cloudconvert.WithProgress(func(p cloudconvert.Progress) {
			if p.Phase == cloudconvert.PhaseProcess {
				panic("enough") //nolint:forbidigo // the test is about panics
			}
		}))
	})
	assert.Empty(t, testkit.Listed(t, copies))
}

// busyReader counts how many readers are being read. A read takes a second.
type busyReader struct {
	io.Reader

	length     int
	busy, most *atomic.Int32
	begun      bool
}

func (r *busyReader) Len() int { return r.length }

func (r *busyReader) Read(p []byte) (int, error) {
	if !r.begun {
		r.begun = true
		r.most.Store(max(r.most.Load(), r.busy.Add(1)))
		testkit.Advance(time.Second)
	}
	n, err := r.Reader.Read(p)
	if err != nil {
		r.busy.Add(-1)
	}
	return n, err
}

func TestRunUploadsInParallel(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Handle("archive", func(_ context.Context, run *cloudconverttest.Run) error { return run.Write("a.zip", []byte("x")) })
		var busy, most atomic.Int32
		var tasks []cloudconvert.TaskRequest
		for i := range 10 {
			reader := &busyReader{Reader: strings.NewReader("text"), length: 4, busy: &busy, most: &most}
			tasks = append(tasks, cloudconvert.FromReader(fmt.Sprint(i, ".txt"), reader))
		}
		client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Parallel: 3}))
		start := time.Now()
		job, err := client.Run(t.Context(), cloudconvert.Pipeline(append(tasks, cloudconvert.Archive{OutputFormat: "zip"})...), cloudconvert.WithInlineLimit(0))
		require.NoError(t, err)
		assert.Len(t, job.Files(), 1)
		assert.EqualValues(t, 3, most.Load())
		assert.Equal(t, 4*time.Second, time.Since(start).Round(time.Second))
	})
}

// countingFS counts its open files.
type countingFS struct {
	fstest.MapFS

	mu         sync.Mutex
	open, most int
}

func (f *countingFS) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open++
	f.most = max(f.most, f.open)
	return &countedFile{File: file, fs: f}, nil
}

type countedFile struct {
	fs.File

	fs *countingFS
}

func (f *countedFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.open--
	return f.File.Close()
}

// All sources are closed at the end.
func TestRunOpensFewSources(t *testing.T) {
	t.Parallel()
	for way, limit := range map[string]int64{"inline": 1 << 20, "upload": 0} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			server.Handle("archive", func(_ context.Context, run *cloudconverttest.Run) error { return run.Write("a.zip", []byte("x")) })
			files := &countingFS{MapFS: fstest.MapFS{}}
			var tasks []cloudconvert.TaskRequest
			for i := range 40 {
				name := fmt.Sprint(i, ".txt")
				files.MapFS[name] = &fstest.MapFile{Data: []byte(name)}
				tasks = append(tasks, cloudconvert.FromFS(files, name))
			}
			client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Parallel: 2}))
			_, err := client.Run(t.Context(), cloudconvert.Pipeline(append(tasks, cloudconvert.Archive{OutputFormat: "zip"})...), cloudconvert.WithInlineLimit(limit))
			require.NoError(t, err)
			assert.LessOrEqual(t, files.most, 2)
			assert.Zero(t, files.open)
		})
	}
}

// Without the file the job would wait forever.
func TestRunDeletesAJobWhoseUploadFailed(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	for name, run := range map[string]func(context.Context, *cloudconvert.Client, *cloudconvert.JobRequest) error{
		"Run": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest) error {
			_, err := client.Run(ctx, r, cloudconvert.WithInlineLimit(0))
			return err
		},
		"Start": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest) error {
			_, err := client.Start(ctx, r, cloudconvert.WithInlineLimit(0))
			return err
		},
		"RunFile": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest) error {
			_, err := client.RunFile(ctx, r, filepath.Join(t.TempDir(), "a.pdf"), cloudconvert.WithInlineLimit(0))
			return err
		},
		"RunAll": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest) error {
			for result := range client.RunAll(ctx, slices.Values([]cloudconvert.Work{{Request: r}}), cloudconvert.WithInlineLimit(0)) {
				return result.Err
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			err := run(t.Context(), server.Client(), cloudconvert.Pipeline(
				cloudconvert.FromBytes("a.txt", []byte("x")),
				cloudconvert.FromReader("b.txt", lying{io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), 1000}),
				cloudconvert.Merge{OutputFormat: "pdf"}))
			require.ErrorIs(t, err, broken)
			require.NoError(t, server.WaitIdle(t.Context()))
			assert.Zero(t, testkit.JobCount(server))
		})
	}
}

// The run of several sources is cancelled at many moments.
func TestCancelledRunLeavesNoJob(t *testing.T) {
	t.Parallel()
	const moments = 30
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Handle("archive", func(_ context.Context, run *cloudconverttest.Run) error { return run.Write("a.zip", []byte("x")) })
		for name, run := range map[string]func(context.Context, *cloudconvert.Client, *cloudconvert.JobRequest) error{
			"Run": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest) error {
				_, err := client.Run(ctx, r, cloudconvert.WithInlineLimit(30<<10))
				return err
			},
			"Start": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest) error {
				_, err := client.Start(ctx, r, cloudconvert.WithInlineLimit(30<<10))
				return err
			},
		} {
			var tasks []cloudconvert.TaskRequest
			for i, size := range []int{20 << 10, 40 << 10, 50 << 10, 60 << 10} {
				tasks = append(tasks, cloudconvert.FromBytes(fmt.Sprint(i, ".txt"), []byte(testkit.Content(size))))
			}
			request := cloudconvert.Pipeline(append(tasks, cloudconvert.Archive{OutputFormat: "zip"})...)
			timed := func(ctx context.Context) (time.Duration, error) {
				start := time.Now()
				err := run(ctx, server.Client(testkit.Linked(t, server)...), request)
				return time.Since(start), err
			}
			total, err := timed(t.Context())
			require.NoError(t, err)
			for moment := range moments {
				at := total * time.Duration(moment) / moments
				ctx, cancel := context.WithTimeout(t.Context(), at)
				took, err := timed(ctx)
				cancel()
				require.ErrorIs(t, err, context.DeadlineExceeded, "%s after %v", name, at)
				assert.Less(t, took-at, time.Second)
				require.NoError(t, server.WaitIdle(t.Context()))
				assert.Zero(t, pendingUploads(server), "%s after %v", name, at)
			}
		}
	}, cloudconverttest.WithTaskDuration(30*time.Millisecond))
}

func TestWaitErrorSaysThatTheJobWasDeleted(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]cloudconvert.ConvertOption{"deleted": {cloudconvert.WithDelete()}, "left": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				dir := t.TempDir()
				src := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), "text")
				ctx, cancel := context.WithTimeout(t.Context(), testkit.TaskTime/2)
				defer cancel()
				_, err := server.Client().ConvertFile(ctx, src, filepath.Join(dir, "a.pdf"), append(opts, cloudconvert.WithInlineLimit(0))...)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorAs(t, err, new(*cloudconvert.WaitError))
				assert.Equal(t, opts == nil, testkit.JobCount(server) == 1)
				assert.Equal(t, opts != nil, strings.Contains(err.Error(), "; deleted)"), "%v", err)
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}
