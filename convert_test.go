package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// inlineDefault is the size up to which files travel within the job.
const inlineDefault = 448 << 10

// newSandbox returns a server that converts txt: to pdf, which is the text
// behind "pdf: ", to pages, of which there is one for each line, and to bad,
// which fails. It has no other limits and delays than those of the options.
func newSandbox(tb testing.TB, opts ...cloudconverttest.Option) *cloudconverttest.Server {
	tb.Helper()
	server := cloudconverttest.NewServer(opts...)
	tb.Cleanup(server.Close)
	server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		file, err := os.Open(run.Input().Path)
		if err != nil {
			return err
		}
		return errors.Join(run.ReadFrom(run.OutputName(run.Input()), io.MultiReader(strings.NewReader("pdf: "), file)), file.Close())
	})
	server.HandleConvert("txt", "page", func(_ context.Context, run *cloudconverttest.Run) error {
		text, err := os.ReadFile(run.Input().Path)
		for i, line := range strings.Split(string(text), "\n") {
			err = errors.Join(err, run.Write(fmt.Sprintf("page-%d.page", i+1), []byte(line)))
		}
		return err
	})
	server.HandleConvert("txt", "bad", func(context.Context, *cloudconverttest.Run) error {
		return cloudconverttest.Fail("OPEN_FAILED", "The document is protected")
	})
	return server
}

// inBubble runs a test with a server of its own where time passes at once.
func inBubble(t *testing.T, test func(t *testing.T, server *cloudconverttest.Server), opts ...cloudconverttest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, newSandbox(t, append(opts, cloudconverttest.WithInProcess())...))
	})
}

// outline names the requests that a server has seen: method and host.
func outline(server *cloudconverttest.Server) []string {
	var requests []string
	for _, r := range server.Requests() {
		requests = append(requests, r.Method+" "+string(r.Role))
	}
	return requests
}

// jobCount counts the jobs of a server, which are too long to be shown.
func jobCount(server *cloudconverttest.Server) int { return len(server.Jobs()) }

// The ways that a conversion takes, as its requests.
var (
	inlineWay  = []string{"POST sync", "GET storage"}
	uploadWay  = []string{"POST api", "POST storage", "GET sync", "GET storage"}
	taggedWay  = []string{"POST api", "GET sync", "GET storage"}
	noRequests []string
)

// writeFile makes a file and returns its path.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// picture is a PNG file of noise that has about the given size.
func picture(tb testing.TB, size int) []byte {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	img := image.NewNRGBA(image.Rect(0, 0, 100, max(size/300, 1)))
	for y := range img.Rect.Dy() {
		for x := range 100 {
			shade := random.Uint32()
			img.SetNRGBA(x, y, color.NRGBA{uint8(shade), uint8(shade >> 8), uint8(shade >> 16), 0xff})
		}
	}
	var file bytes.Buffer
	require.NoError(tb, png.Encode(&file, img))
	return file.Bytes()
}

// one hides everything but Read.
type one struct{ io.Reader }

// sought hides that a reader can be read at any place.
type sought struct{ io.ReadSeeker }

func TestConvertRequests(t *testing.T) {
	t.Parallel()
	small, limit, large := content(100), content(inlineDefault), content(inlineDefault+1)
	dir := t.TempDir()
	fromFile := func(text string) cloudconvert.Source {
		return cloudconvert.FromFile(writeFile(t, filepath.Join(dir, strconv.Itoa(len(text)), "a.txt"), text))
	}
	remote := writeFile(t, filepath.Join(dir, "a.txt"), large)
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
			"limit of its own", fromFile(large),
			[]cloudconvert.ConvertOption{cloudconvert.WithInlineLimit(inlineDefault + 1)},
			large, inlineWay,
		},
		{"no limit", fromFile("x"), []cloudconvert.ConvertOption{cloudconvert.WithInlineLimit(0)}, "x", uploadWay},
		{"tag", fromFile(small), []cloudconvert.ConvertOption{cloudconvert.WithTag("mine")}, small, taggedWay},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := newSandbox(t)
			server.HandleURL("https://example.com/a.txt", remote)
			job, err := server.Client().Convert(t.Context(), c.src, "pdf", c.opts...)
			require.NoError(t, err)
			assert.Equal(t, cloudconvert.StatusFinished, job.Status)
			require.Len(t, job.Files(), 1)
			assert.Equal(t, "a.pdf", job.Files()[0].Filename)
			var got bytes.Buffer
			_, err = server.Client().Download(t.Context(), job.Files()[0], &got)
			require.NoError(t, err)
			same(t, "pdf: "+c.text, got.String())
			assert.Equal(t, c.want, outline(server))
		})
	}
}

func TestConvertPictureInTwoRequests(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	src := writeFile(t, filepath.Join(dir, "photo.png"), string(picture(t, 100<<10)))
	_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "photo.jpg"))
	require.NoError(t, err)
	assert.Equal(t, inlineWay, outline(server))
	assert.Equal(t, "image/jpeg", http.DetectContentType([]byte(readFile(t, filepath.Join(dir, "photo.jpg")))))
}

// A client that works alone has one connection to each host, and keeps it.
func TestConvertConnections(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ limit, connections int }{
		"inline": {1000, 2},
		"upload": {0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newSandbox(t)
			client := server.Client()
			dir := t.TempDir()
			src := writeFile(t, filepath.Join(dir, "a.txt"), content(1000))
			for i := range 10 {
				_, err := client.ConvertFile(t.Context(), src, filepath.Join(dir, fmt.Sprint(i, ".pdf")), cloudconvert.WithInlineLimit(int64(c.limit)))
				require.NoError(t, err)
			}
			assert.Equal(t, c.connections, server.ConnectionsAccepted())
		})
	}
}

// What decides about the limit is time: these are the figures beside it.
func TestConvertInlineSavesTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size int
		// How long the inline way takes, in parts of the other one.
		cold, warm float64
	}{
		{100, 0.6, 0.5},
		{10_000, 0.61, 0.53},
		{100 << 10, 0.7, 0.71},
		{inlineDefault, 0.9, 1},
	} {
		t.Run(fmt.Sprint(c.size, " bytes"), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				file := []byte(content(c.size))
				coldInline, warmInline := timed(t, server, file, inlineDefault)
				coldUpload, warmUpload := timed(t, server, file, 0)
				t.Logf("inline %v, %v when warm; uploaded %v, %v", coldInline, warmInline, coldUpload, warmUpload)
				assert.LessOrEqual(t, coldInline.Seconds(), c.cold*coldUpload.Seconds())
				assert.LessOrEqual(t, warmInline.Seconds(), c.warm*warmUpload.Seconds())
			}, cloudconverttest.WithHTTP2())
		})
	}
}

// timed converts a file twice over a link and returns how long each time took.
func timed(t *testing.T, server *cloudconverttest.Server, file []byte, limit int64) (cold, warm time.Duration) {
	t.Helper()
	server.HandleConvert("txt", "small", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("a.small", []byte("result"))
	})
	client := server.Client(linked(t, server)...)
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

// brokenAnswers are ways to lose the answer to a creation after the job was made.
var brokenAnswers = map[string]cloudconverttest.Fault{
	"reset":     {Phase: cloudconverttest.After, Kind: cloudconverttest.Reset},
	"cut":       {Kind: cloudconverttest.Truncate},
	"too short": {Kind: cloudconverttest.WrongLength},
	"gateway":   {Phase: cloudconverttest.After, Kind: cloudconverttest.Status, Status: http.StatusBadGateway},
	"failure":   {Phase: cloudconverttest.After, Kind: cloudconverttest.Status, Status: http.StatusInternalServerError, Code: "INTERNAL_ERROR"},
	"garbage":   {Phase: cloudconverttest.After, Kind: cloudconverttest.Garbage},
	"silence":   {Phase: cloudconverttest.After, Kind: cloudconverttest.Stall},
}

func TestConvertSettlesLostAnswers(t *testing.T) {
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
				inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					fault := fault
					fault.Method, fault.Path, fault.Role, fault.Nth = http.MethodPost, "/v2/jobs", way.role, 1
					server.Inject(fault)
					dst := filepath.Join(t.TempDir(), "a.pdf")
					src := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "hello")
					job, err := server.Client().ConvertFile(t.Context(), src, dst, way.opt)
					require.NoError(t, err)
					assert.Equal(t, "pdf: hello", readFile(t, dst))
					require.Len(t, server.Jobs(), 1, "no second job")
					assert.Equal(t, server.Jobs()[0].ID, job.ID)
				}, cloudconverttest.WithTaskDuration(3*time.Second))
			})
		}
	}
}

func TestConvertOutcomeUnknown(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Path: "/v2/jobs", Kind: cloudconverttest.Reset})
		job, err := server.Client().Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("x")), "pdf")
		require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
		assert.Nil(t, job)
		assert.Zero(t, jobCount(server))
	})
}

// A conversion that outlives every request of the wait is waited for.
func TestConvertLong(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				start := time.Now()
				job, err := server.Client().Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("x")), "pdf", cloudconvert.WithInlineLimit(limit))
				require.NoError(t, err)
				assert.Equal(t, cloudconvert.StatusFinished, job.Status)
				assert.Equal(t, 1, jobCount(server))
				assert.Less(t, time.Since(start), 3*time.Hour+2*time.Minute)
			}, cloudconverttest.WithTaskDuration(time.Hour))
		})
	}
}

func TestConvertFailure(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
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

func TestConvertParameters(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	options := cloudconvert.Options{"pages": "1-2"}
	_, err := server.Client().Convert(t.Context(), cloudconvert.FromBytes("a.dat", []byte("x")), ".PDF",
		cloudconvert.WithOptions(options),
		cloudconvert.WithOption("quality", 70),
		cloudconvert.WithEngine("office", "2.1"),
		cloudconvert.WithInputFormat(".TXT"),
		cloudconvert.WithFilename("b.pdf"),
		cloudconvert.WithArchive(),
		cloudconvert.WithTag("march"),
		cloudconvert.WithWebhookURL("https://example.com/hook"))
	require.NoError(t, err)
	require.Len(t, server.Jobs(), 1)
	job := server.Jobs()[0]
	assert.Equal(t, "march", job.Tag)
	assert.Equal(t, "https://example.com/hook", job.WebhookURL)
	require.Len(t, job.Tasks, 3)
	for _, task := range job.Tasks {
		switch task.Name {
		case "convert":
			text := map[string]string{}
			for name, value := range task.Params {
				text[name] = fmt.Sprint(value)
			}
			assert.Equal(t, map[string]string{
				"pages": "1-2", "quality": "70", "engine": "office", "engine_version": "2.1",
				"input_format": "txt", "output_format": "pdf", "filename": "b.pdf",
			}, text)
		case "export":
			assert.Equal(t, true, task.Params["archive_multiple_files"])
		}
	}
	assert.Equal(t, cloudconvert.Options{"pages": "1-2"}, options, "the caller's map is left alone")
}

func TestConvertFormats(t *testing.T) {
	t.Parallel()
	for format, sent := range map[string]string{
		"pdf": "pdf", ".pdf": "pdf", "PDF": "pdf", "jpeg": "jpg", "tif": "tiff", "htm": "html", "tgz": "tar.gz",
		"TAR.GZ": "tar.gz", "7z": "7z", "mpeg-4": "mpeg-4",
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			server := newSandbox(t)
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

// What is wrong is refused before anything is sent, with a word about it.
func TestConvertRefuses(t *testing.T) {
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
		"no format":           {text, "", nil, `"" is no output format`},
		"format of a path":    {text, "../pdf", nil, `"../pdf" is no output format`},
		"format with spaces":  {text, "p d f", nil, `"p d f" is no output format`},
		"no source":           {cloudconvert.Source{}, "pdf", nil, "the source is empty"},
		"source of no name":   {cloudconvert.FromBytes("", nil), "pdf", nil, `the format of the source "" is unknown`},
		"no extension":        {cloudconvert.FromBytes("README", nil), "pdf", nil, `"README"`},
		"odd extension":       {cloudconvert.FromBytes("a.b c", nil), "pdf", nil, `"a.b c"`},
		"dot file":            {cloudconvert.FromBytes(".txt", nil), "pdf", nil, `".txt"`},
		"only tar.gz":         {cloudconvert.FromBytes(".tar.gz", nil), "zip", nil, `".tar.gz"`},
		"trailing dot":        {cloudconvert.FromBytes("a.", nil), "pdf", nil, "use WithInputFormat"},
		"directory":           {cloudconvert.FromFile(dir), "pdf", nil, "is a directory"},
		"directory as reader": {cloudconvert.FromReader("a.txt", mustOpen(t, dir)), "pdf", nil, "is a directory"},
		"nil reader":          {cloudconvert.FromReader("a.txt", nil), "pdf", nil, "the reader of the source is nil"},
		"negative limit":      {text, "pdf", options{cloudconvert.WithInlineLimit(-1)}, "WithInlineLimit"},
		"limit too high":      {text, "pdf", options{cloudconvert.WithInlineLimit(10_000_001)}, "WithInlineLimit"},
		"option set twice":    {text, "pdf", options{cloudconvert.WithOption("a", 1), cloudconvert.WithOption("a", 2)}, `"a" is set twice`},
		"option of no name":   {text, "pdf", options{cloudconvert.WithOption("", 1)}, "an option has no name"},
		"option of a field":   {text, "pdf", options{cloudconvert.WithOption("output_format", "png")}, `"output_format" is set twice`},
		"input format":        {text, "pdf", options{cloudconvert.WithInputFormat("a/b")}, "WithInputFormat"},
		"nil progress":        {text, "pdf", options{cloudconvert.WithProgress(nil)}, "WithProgress"},
		"no concurrency":      {text, "pdf", options{cloudconvert.WithConcurrency(0)}, "WithConcurrency"},
		"no journal":          {text, "pdf", options{cloudconvert.WithJournal("")}, "WithJournal"},
		"delete":              {text, "pdf", options{cloudconvert.WithDelete()}, "WithDelete"},
		"of a file":           {text, "pdf", options{cloudconvert.WithOverwrite()}, "Convert has no use for WithOverwrite"},
		"of a batch": {
			text, "pdf",
			options{cloudconvert.WithJournal("journal"), cloudconvert.WithConcurrency(8), cloudconvert.WithOutputDir("out")},
			"Convert has no use for WithConcurrency, WithJournal",
		},
		"no directory": {text, "pdf", options{cloudconvert.WithOutputDir(os.DevNull)}, "output directory"},
		"several":      {text, "pdf", options{cloudconvert.WithConcurrency(0), cloudconvert.WithProgress(nil)}, "WithProgress"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newSandbox(t)
			job, err := server.Client().Convert(t.Context(), c.src, c.format, c.opts...)
			require.ErrorContains(t, err, c.want)
			if name != "directory as reader" && name != "no directory" {
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			}
			assert.Equal(t, 1, strings.Count(err.Error(), "cloudconvert:"), err)
			assert.Nil(t, job)
			assert.Equal(t, noRequests, outline(server))
		})
	}
}

// With a directory the files are written, as they are of an item of a batch.
func TestConvertIntoADirectory(t *testing.T) {
	t.Parallel()
	pages := cloudconvert.FromReader("in/a.b.txt", one{strings.NewReader("1\n2")})
	for name, c := range map[string]struct {
		src    cloudconvert.Source
		format string
		opt    cloudconvert.ConvertOption
		want   []string
	}{
		"bytes":   {cloudconvert.FromBytes("in/a.b.txt", []byte("x")), "PDF", cloudconvert.WithDelete(), []string{"a.b.pdf"}},
		"reader":  {pages, "page", cloudconvert.WithDelete(), []string{"a.b-1.page", "a.b-2.page"}},
		"address": {cloudconvert.FromURL("https://example.com/in/my%20text.txt?x=1"), "pdf", cloudconvert.WithDelete(), []string{"my text.pdf"}},
		"replace": {cloudconvert.FromBytes("there.txt", []byte("x")), "pdf", cloudconvert.WithOverwrite(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newSandbox(t)
			server.HandleURL("https://example.com/in/my%20text.txt?x=1", writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "x"))
			dir := filepath.Join(t.TempDir(), "new", "out")
			there := writeFile(t, filepath.Join(dir, "there.pdf"), "untouched")
			job, err := server.Client().Convert(t.Context(), c.src, c.format, cloudconvert.WithOutputDir(dir), c.opt)
			require.NoError(t, err)
			assert.Equal(t, cloudconvert.StatusFinished, job.Status)
			assert.Equal(t, append(c.want, "there.pdf"), listed(t, dir))
			if name == "replace" {
				assert.Equal(t, "pdf: x", readFile(t, there))
				return
			}
			assert.Equal(t, "untouched", readFile(t, there))
			assert.Zero(t, jobCount(server), "deleted")
		})
	}
	server, dir := newSandbox(t), t.TempDir()
	writeFile(t, filepath.Join(dir, "a.pdf"), "untouched")
	_, err := server.Client().Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("x")), "pdf", cloudconvert.WithOutputDir(dir))
	require.ErrorIs(t, err, fs.ErrExist)
	assert.Equal(t, noRequests, outline(server))
}

func mustOpen(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func TestConvertSourceFailures(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	for name, c := range map[string]struct {
		reader io.Reader
		want   string
	}{
		"broken":         {iotest.ErrReader(broken), broken.Error()},
		"broken later":   {io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), broken.Error()},
		"shorter":        {lying{strings.NewReader("12345"), 6}, "announced with 6 bytes"},
		"longer":         {lying{strings.NewReader("12345"), 4}, "announced with 4 bytes"},
		"negative":       {lying{strings.NewReader("12345"), -1}, "has a negative length"},
		"shorter upload": {lying{strings.NewReader("12345"), 1 << 20}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newSandbox(t)
			_, err := server.Client().Convert(t.Context(), cloudconvert.FromReader("a.txt", c.reader), "pdf")
			require.ErrorContains(t, err, c.want)
			assert.Zero(t, jobCount(server), "nothing waits for the file")
		})
	}
}

// lying says that it is of another length than it is.
type lying struct {
	io.Reader

	length int
}

func (l lying) Len() int { return l.length }

func TestConvertUsesReadersOnce(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	src := cloudconvert.FromReader("a.txt", one{strings.NewReader("x")})
	_, err := server.Client().Convert(t.Context(), src, "pdf")
	require.NoError(t, err)
	_, err = server.Client().Convert(t.Context(), src, "pdf")
	require.ErrorContains(t, err, "used already")
	assert.Equal(t, 1, jobCount(server))
}

// The service gets names without directories, and always an extension.
func TestConvertNames(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	txt := cloudconvert.WithInputFormat("txt")
	for name, c := range map[string]struct {
		want string
		opts []cloudconvert.ConvertOption
	}{
		"a.txt":           {"a.txt", nil},
		"dir/a.txt":       {"a.txt", nil},
		"/etc/a.TXT":      {"a.TXT", nil},
		"Überschrift.txt": {"Überschrift.txt", nil},
		"日本 語.txt":        {"日本 語.txt", nil},
		"a.b.txt":         {"a.b.txt", nil},
		"-.txt":           {"-.txt", nil},
		"README":          {"README.txt", []cloudconvert.ConvertOption{txt}},
		".hidden":         {".hidden.txt", []cloudconvert.ConvertOption{txt}},
		"a.":              {"a.txt", []cloudconvert.ConvertOption{txt}},
		"version 1.2 b":   {"version 1.2 b.txt", []cloudconvert.ConvertOption{txt}},
		"a.dat":           {"a.dat", []cloudconvert.ConvertOption{txt}},
	} {
		for way, limit := range map[string]int64{"inline": 1000, "upload": 0} {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				job, err := server.Client().Convert(t.Context(), cloudconvert.FromBytes(name, []byte("x")), "pdf",
					append(c.opts, cloudconvert.WithInlineLimit(limit))...)
				require.NoError(t, err)
				task, found := job.Task("import")
				require.True(t, found)
				require.Len(t, task.Result.Files, 1)
				assert.Equal(t, c.want, task.Result.Files[0].Filename)
			})
		}
	}
}

// reports collects what a progress function is told, and notices if it is
// called while it runs.
type reports struct {
	busy sync.Mutex
	all  []cloudconvert.Progress
	bad  bool
}

func (r *reports) add(p cloudconvert.Progress) {
	if !r.busy.TryLock() {
		r.bad = true
		return
	}
	defer r.busy.Unlock()
	r.all = append(r.all, p)
}

// phases returns the phases in the order in which they were reported.
func (r *reports) phases() []cloudconvert.Phase {
	var phases []cloudconvert.Phase
	for _, p := range r.all {
		if len(phases) == 0 || phases[len(phases)-1] != p.Phase {
			phases = append(phases, p.Phase)
		}
	}
	return phases
}

func TestConvertProgress(t *testing.T) {
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
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				var seen reports
				dir := t.TempDir()
				src := writeFile(t, filepath.Join(dir, "a.txt"), content(1000))
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
				assert.Equal(t, cloudconvert.Progress{Phase: cloudconvert.PhaseDownload, Name: "a.pdf", Done: 1005, Total: 1005}, last)
				assert.False(t, seen.bad)
			}, cloudconverttest.WithTaskDuration(10*time.Second))
		})
	}
}

// unsized hides everything of a reader but its bytes, so that they are copied to a file.
type unsized struct{ io.Reader }

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// What becomes of the copy of a source, which others may clean up, is no reason to
// throw away what was made of it.
func TestConvertWhenTheCopyOfTheSourceIsGone(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	copies, dir := t.TempDir(), t.TempDir()
	server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("a.pdf", []byte("made"))
	})
	var log records
	client := server.Client(log.option(), cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: copies}))
	src := cloudconvert.FromReader("a.txt", io.MultiReader(strings.NewReader("text"), readerFunc(func([]byte) (int, error) {
		assert.NoError(t, os.Remove(filepath.Join(copies, listed(t, copies)[0])))
		return 0, io.EOF
	})))
	_, err := client.Convert(t.Context(), src, "pdf", cloudconvert.WithOutputDir(dir), cloudconvert.WithDelete())
	require.NoError(t, err)
	assert.Equal(t, "made", readFile(t, filepath.Join(dir, "a.pdf")))
	warnings := log.lines(slog.LevelWarn)
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], "closing the source failed")
}

// Nor is the copy left behind when a function of the caller's does not come back.
func TestConvertWhoseProgressPanicsLeavesNoCopy(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	copies := t.TempDir()
	client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: copies}))
	src := cloudconvert.FromReader("a.txt", unsized{strings.NewReader("text")})
	assert.Panics(t, func() {
		_, _ = client.Convert(t.Context(), src, "pdf", cloudconvert.WithProgress(func(cloudconvert.Progress) {
			panic("enough") //nolint:forbidigo // that is what the test is about.
		}))
	})
	assert.Empty(t, listed(t, copies))
}
