package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io/fs"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// onlyWork returns an iterator of a single work.
func onlyWork(work cloudconvert.Work) iter.Seq[cloudconvert.Work] {
	return slices.Values([]cloudconvert.Work{work})
}

// sleeper makes a conversion of txt to slow take the duration in its text.
func sleeper(server *cloudconverttest.Server) {
	server.HandleConvert("txt", "slow", func(ctx context.Context, run *cloudconverttest.Run) error {
		text, err := os.ReadFile(run.Input().Path)
		if err != nil {
			return err
		}
		d, err := time.ParseDuration(string(text))
		if err != nil {
			return err
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return run.Write("a.slow", text)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// slowWork returns a work that takes the given time. No file is downloaded.
func slowWork(name string, d time.Duration) cloudconvert.Work {
	return cloudconvert.Work{Name: name, Request: cloudconvert.Pipeline(
		cloudconvert.FromBytes("a.txt", []byte(d.String())), cloudconvert.Convert{OutputFormat: "slow"})}
}

func TestRunAll(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	seen := map[string]bool{}
	for result := range server.Client().RunAll(t.Context(), testkit.TextWorks(50, dir)) {
		require.NoError(t, result.Err)
		require.Len(t, result.Files, 1)
		assert.Equal(t, result.Work.Destination, result.Files[0])
		assert.Equal(t, cloudconvert.StatusFinished, result.Job.Status)
		assert.False(t, seen[result.Files[0]])
		seen[result.Files[0]] = true
	}
	assert.Len(t, seen, 50)
	for i := range 50 {
		assert.Equal(t, fmt.Sprint("pdf: text ", i), testkit.ReadFile(t, filepath.Join(dir, fmt.Sprint(i, ".pdf"))))
	}
	assert.Equal(t, 50, testkit.JobCount(server))
	assert.InDelta(t, 101, len(testkit.Outline(server)), 1, "one of them finds out about limits")
}

func TestRunAllDestinations(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	server.HandleURL("https://example.com/files/my%20text.txt?x=1", testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "x"))
	text := cloudconvert.FromBytes("dir/a.b.txt", []byte("x"))
	pdf, pages := cloudconvert.Convert{OutputFormat: "pdf"}, cloudconvert.Convert{OutputFormat: "page"}
	lines := cloudconvert.FromBytes("a.txt", []byte("1\n2"))
	archive := cloudconvert.ExportURL{ArchiveMultipleFiles: true}
	for name, c := range map[string]struct {
		dst   string
		tasks []cloudconvert.TaskRequest
		want  []string // below the output directory
	}{
		"file":               {"b.pdf", []cloudconvert.TaskRequest{text, pdf}, []string{"b.pdf"}},
		"no extension":       {"b", []cloudconvert.TaskRequest{text, pdf}, []string{"b"}},
		"below directories":  {"c/d/b.pdf", []cloudconvert.TaskRequest{text, pdf}, []string{"c/d/b.pdf"}},
		"directory":          {"c/d/", []cloudconvert.TaskRequest{text, pdf}, []string{"c/d/a.b.pdf"}},
		"this directory":     {"./", []cloudconvert.TaskRequest{text, pdf}, []string{"a.b.pdf"}},
		"named after source": {"", []cloudconvert.TaskRequest{text, pdf}, []string{"a.b.pdf"}},
		"named by Filename": {
			"",
			[]cloudconvert.TaskRequest{text, cloudconvert.Convert{OutputFormat: "pdf", Filename: "invoice.pdf"}},
			[]string{"invoice.pdf"},
		},
		"source without a stem": {
			"", []cloudconvert.TaskRequest{cloudconvert.FromBytes("..txt", []byte("x")), pdf}, []string{"file.pdf"},
		},
		"named after URL": {
			"",
			[]cloudconvert.TaskRequest{cloudconvert.FromURL("https://example.com/files/my%20text.txt?x=1"), pdf},
			[]string{"my text.pdf"},
		},
		"pages":           {"p.page", []cloudconvert.TaskRequest{lines, pages}, []string{"p-1.page", "p-2.page"}},
		"pages by names":  {"", []cloudconvert.TaskRequest{lines, pages}, []string{"page-1.page", "page-2.page"}},
		"archive":         {"", []cloudconvert.TaskRequest{lines, pages, archive}, []string{"a.zip"}},
		"archive by name": {"b.ZIP", []cloudconvert.TaskRequest{lines, pages, archive}, []string{"b.ZIP"}},
	} {
		for _, kind := range []string{"relative", "absolute"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "new", "out")
				work := cloudconvert.Work{Name: name, Request: cloudconvert.Pipeline(c.tasks...), Destination: c.dst}
				outputDir := cloudconvert.WithOutputDir(dir)
				if kind == "absolute" {
					work.Destination = dir + "/" + c.dst
					outputDir = cloudconvert.WithOutputDir(filepath.Join(t.TempDir(), "elsewhere"))
				}
				for result := range server.Client().RunAll(t.Context(), onlyWork(work), outputDir) {
					require.NoError(t, result.Err)
					require.Len(t, result.Files, len(c.want))
					for i, name := range c.want {
						assert.Equal(t, filepath.Join(dir, name), result.Files[i])
						assert.FileExists(t, result.Files[i])
					}
				}
			})
		}
	}
}

// Without a destination no file is downloaded.
func TestRunAllLeavesFiles(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	for result := range server.Client().RunAll(t.Context(), onlyWork(testkit.TextWork("a.txt", "x", ""))) {
		require.NoError(t, result.Err)
		assert.Empty(t, result.Files)
		assert.Len(t, result.Job.Files(), 1)
	}
	assert.Equal(t, []string{"POST api", "GET sync"}, testkit.Outline(server), "a batch expects more to come")
}

func TestRunAllErrorsAreIndependent(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	testkit.WriteFile(t, at("there.pdf"), "mine")
	text := func(dst string, convert cloudconvert.Convert, opts ...cloudconvert.RunOption) cloudconvert.Work {
		return cloudconvert.Work{
			Request:     cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("x")), convert),
			Destination: dst, Options: opts,
		}
	}
	pdf := cloudconvert.Convert{OutputFormat: "pdf"}
	works := map[string]struct {
		work cloudconvert.Work
		want string
	}{
		"good":            {text(at("good.pdf"), pdf), ""},
		"bad":             {text(at("bad.bad"), cloudconvert.Convert{OutputFormat: "bad"}), "The document is protected"},
		"empty":           {cloudconvert.Work{}, "the job has no tasks"},
		"no source":       {cloudconvert.Work{Request: cloudconvert.Pipeline(cloudconvert.Source{}, pdf), Destination: at("none.pdf")}, "the source is empty"},
		"no format":       {text(at("odd"), cloudconvert.Convert{}), "output_format"},
		"other format":    {text(at("b.doc"), pdf), "the extension of another format"},
		"missing":         {cloudconvert.Work{Request: cloudconvert.Pipeline(cloudconvert.FromFile(at("missing.txt")), pdf), Destination: at("missing.pdf")}, "no such file"},
		"exists":          {text(at("there.pdf"), pdf), "already exists"},
		"directory":       {text(dir, pdf), "is a directory"},
		"below a file":    {text(at("there.pdf/where.pdf"), pdf), "cannot be written"},
		"bad option":      {text(at("option.pdf"), pdf, cloudconvert.WithInlineLimit(-1)), "WithInlineLimit"},
		"nil option":      {text(at("nil.pdf"), pdf, nil), "an option is nil"},
		"lost":            {text("", pdf, cloudconvert.WithDelete()), "WithDelete"},
		"nothing to save": {cloudconvert.Work{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("x")), cloudconvert.Metadata{}), Destination: at("none.pdf")}, "no export/url task"},
	}
	seen := map[string]bool{}
	all := func(yield func(cloudconvert.Work) bool) {
		for name, c := range works {
			c.work.Name = name
			if !yield(c.work) {
				return
			}
		}
	}
	for result := range server.Client().RunAll(t.Context(), all) {
		name := result.Work.Name
		seen[name] = true
		if works[name].want == "" {
			require.NoError(t, result.Err, name)
			continue
		}
		require.ErrorContains(t, result.Err, works[name].want, name)
		assert.Empty(t, result.Files, name)
	}
	assert.Len(t, seen, len(works))
	assert.Equal(t, []string{"good.pdf", "there.pdf"}, testkit.Listed(t, dir))
	assert.Equal(t, 2, testkit.JobCount(server))
}

func TestRunAllRefusesInvalidOptions(t *testing.T) {
	t.Parallel()
	none := slices.Values([]cloudconvert.Work(nil))
	var response cloudconvert.Response
	for name, c := range map[string]struct {
		works iter.Seq[cloudconvert.Work]
		opts  []cloudconvert.BatchOption
		want  string
	}{
		"options":         {none, []cloudconvert.BatchOption{cloudconvert.WithConcurrency(0)}, "WithConcurrency"},
		"nil option":      {none, []cloudconvert.BatchOption{nil}, "an option is nil"},
		"no budget":       {none, []cloudconvert.BatchOption{cloudconvert.WithBudget(0)}, "WithBudget"},
		"no directory":    {none, []cloudconvert.BatchOption{cloudconvert.WithOutputDir("")}, "WithOutputDir"},
		"no works":        {nil, nil, "the works are nil"},
		"no journal":      {none, []cloudconvert.BatchOption{cloudconvert.WithJournal(filepath.Join(t.TempDir(), "no", "journal"))}, "journal"},
		"CaptureResponse": {none, []cloudconvert.BatchOption{cloudconvert.CaptureResponse(&response)}, "CaptureResponse"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results := slices.Collect(testkit.NewSandbox(t).Client().RunAll(t.Context(), c.works, c.opts...))
			require.Len(t, results, 1)
			require.ErrorContains(t, results[0].Err, c.want)
			assert.Empty(t, results[0].Work.Name)
		})
	}
}

func TestRunAllYieldsNothingWithoutWorks(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	assert.Empty(t, slices.Collect(server.Client().RunAll(t.Context(), testkit.TextWorks(0, ""))))
	assert.Empty(t, server.Requests())
}

func TestRunAllYieldsResultsAsTheyCome(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		sleeper(server)
		works := []cloudconvert.Work{slowWork("a", 30*time.Second), slowWork("b", 10*time.Second), slowWork("c", 20*time.Second)}
		var ended []time.Duration
		start := time.Now()
		for result := range server.Client().RunAll(t.Context(), slices.Values(works)) {
			require.NoError(t, result.Err)
			ended = append(ended, time.Since(start).Round(time.Second))
		}
		assert.Equal(t, []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second}, ended)
	})
}

func TestRunAllBoundsConcurrency(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts []cloudconvert.BatchOption
		want int32
	}{
		"default": {nil, 8},
		"one":     {[]cloudconvert.BatchOption{cloudconvert.WithConcurrency(1)}, 1},
		"twenty":  {[]cloudconvert.BatchOption{cloudconvert.WithConcurrency(20)}, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				var running, most atomic.Int32
				server.HandleConvert("txt", "pdf", func(context.Context, *cloudconverttest.Run) error {
					most.Store(max(most.Load(), running.Add(1)))
					testkit.Advance(time.Second)
					running.Add(-1)
					return nil
				})
				start := time.Now()
				for range server.Client().RunAll(t.Context(), testkit.TextWorks(60, t.TempDir()), c.opts...) {
				}
				assert.Equal(t, c.want, most.Load())
				rounds := (60 + c.want - 1) / c.want
				assert.Equal(t, time.Duration(rounds)*time.Second, time.Since(start).Round(time.Second))
			})
		})
	}
}

// The second work does not wait for the job of the first one.
func TestRunAllStartsAtOnce(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		spread := func(yield func(cloudconvert.Work) bool) {
			for work := range testkit.TextWorks(8, t.TempDir()) {
				if testkit.Advance(time.Millisecond); !yield(work) {
					return
				}
			}
		}
		start := time.Now()
		for result := range server.Client().RunAll(t.Context(), spread) {
			require.NoError(t, result.Err)
		}
		assert.Equal(t, 908*time.Millisecond, time.Since(start))
	}, cloudconverttest.WithTaskDurationFunc(func(operation string) time.Duration {
		if operation == "convert" {
			return 900 * time.Millisecond
		}
		return 0
	}))
}

// A slow consumer limits how many works are begun.
func TestRunAllWaitsForASlowConsumer(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		taken := 0
		works := func(yield func(cloudconvert.Work) bool) {
			for i := range 100 {
				taken++
				if !yield(slowWork(strconv.Itoa(i), 0)) {
					return
				}
			}
		}
		sleeper(server)
		for range server.Client().RunAll(t.Context(), works, cloudconvert.WithConcurrency(4)) {
			testkit.Advance(time.Hour)
			synctest.Wait()
			assert.LessOrEqual(t, taken, 1+4+4+1)
			break
		}
	})
}

// The bubble fails the test if a goroutine is left behind.
func TestRunAllEndsWithTheLoop(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				dir := t.TempDir()
				client := server.Client(testkit.Linked(t, server)...)
				results := 0
				for result := range client.RunAll(t.Context(), testkit.TextWorks(1000, dir), cloudconvert.WithInlineLimit(limit)) {
					require.NoError(t, result.Err)
					if results++; results == 5 {
						break
					}
				}
				files := len(testkit.Listed(t, dir))
				assert.GreaterOrEqual(t, files, 5)
				assert.Less(t, files, 30)
				testkit.Advance(time.Hour)
				assert.Len(t, testkit.Listed(t, dir), files, "nothing goes on")
				assert.Zero(t, pendingUploads(server))
			}, cloudconverttest.WithTaskDuration(50*time.Millisecond))
		})
	}
}

// stuck is an iterator that yields works and then blocks until it is freed.
type stuck struct {
	works []cloudconvert.Work
	freed chan struct{}
	ended bool
}

func (s *stuck) all(yield func(cloudconvert.Work) bool) {
	defer func() { s.ended = true }()
	for _, work := range s.works {
		if !yield(work) {
			return
		}
	}
	<-s.freed
	yield(slowWork("late", 0))
}

func TestRunAllDoesNotWaitForABlockedIterator(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]bool{"left": true, "context ended": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				sleeper(server)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				works := &stuck{works: []cloudconvert.Work{slowWork("a", time.Second), slowWork("b", 2*time.Second)}, freed: make(chan struct{})}
				results := 0
				for result := range server.Client().RunAll(ctx, works.all) {
					require.NoError(t, result.Err)
					if results++; leave {
						break
					}
				}
				jobs := len(server.Jobs())
				close(works.freed)
				synctest.Wait()
				assert.True(t, works.ended)
				assert.Equal(t, jobs, testkit.JobCount(server), "nothing is begun any more")
				if !leave {
					assert.Equal(t, 2, results)
				}
			})
		})
	}
}

// Every other creation would be refused too.
func TestRunAllEndsWhenTheAccountIsRefused(t *testing.T) {
	t.Parallel()
	const creations = "/v2/jobs"
	for name, c := range map[string]struct {
		fault cloudconverttest.Fault
		ends  bool
	}{
		"401": {cloudconverttest.Fault{Path: creations, Status: http.StatusUnauthorized}, true},
		"402": {cloudconverttest.Fault{Path: creations, Status: http.StatusPaymentRequired}, true},
		"403": {cloudconverttest.Fault{Path: creations, Status: http.StatusForbidden}, true},
		"422": {cloudconverttest.Fault{Path: creations, Status: http.StatusUnprocessableEntity}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				server.Inject(c.fault)
				sleeper(server)
				works := &stuck{freed: make(chan struct{})}
				for i := range 100 {
					works.works = append(works.works, slowWork(strconv.Itoa(i), time.Minute))
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				results := 0
				for result := range server.Client().RunAll(ctx, works.all, cloudconvert.WithConcurrency(4)) {
					require.Error(t, result.Err)
					assert.Equal(t, c.ends, cloudconvert.IsAccountError(result.Err), "%v", result.Err)
					results++
				}
				assert.Equal(t, c.ends, ctx.Err() == nil, "it does not wait for a blocked iterator")
				if c.ends {
					assert.LessOrEqual(t, results, 8, "a result may be delivered before the batch has ended")
				} else {
					assert.Equal(t, 100, results)
				}
				close(works.freed)
			})
		})
	}
}

func TestRunAllYieldsBegunWorksWhenCancelled(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		sleeper(server)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		works := []cloudconvert.Work{slowWork("a", time.Second), slowWork("b", 2*time.Second)}
		for i := range 20 {
			works = append(works, slowWork(strconv.Itoa(i), time.Hour))
		}
		good, cancelled := 0, 0
		for result := range server.Client().RunAll(ctx, slices.Values(works), cloudconvert.WithConcurrency(5)) {
			if result.Err == nil {
				good++
				continue
			}
			require.ErrorIs(t, result.Err, context.DeadlineExceeded)
			cancelled++
		}
		assert.Equal(t, 2, good)
		assert.Equal(t, 5, cancelled)
		assert.Equal(t, 7, testkit.JobCount(server))
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		assert.Empty(t, slices.Collect(server.Client().RunAll(ctx, slices.Values(works))), "nothing is begun")
	})
}

// The same holds for a consumer that ends its goroutine.
func TestRunAllCleansUpAfterAPanicOfTheConsumer(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		assert.PanicsWithValue(t, "enough", func() {
			for range server.Client().RunAll(t.Context(), testkit.TextWorks(100, t.TempDir())) {
				panic("enough") //nolint:forbidigo // the test is about panics
			}
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range server.Client().RunAll(t.Context(), testkit.TextWorks(100, t.TempDir())) {
				runtime.Goexit()
			}
		}()
		<-done
	})
}

func TestRunAllPrefersOptionsOfTheWork(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	var both, mine reports
	dir := t.TempDir()
	at := func(name string) string { return testkit.WriteFile(t, filepath.Join(dir, name), "before") }
	works := []cloudconvert.Work{
		testkit.TextWork("a.txt", "a", filepath.Join(dir, "a.pdf")),
		testkit.TextWork("b.txt", "b", at("b.pdf"), cloudconvert.WithInlineLimit(0), cloudconvert.WithProgress(mine.add), cloudconvert.WithOverwrite()),
		testkit.TextWork("c.txt", "c", at("c.pdf")),
		testkit.TextWork("d.txt", "d", filepath.Join(dir, "d.pdf"), cloudconvert.WithDelete()),
	}
	failures := map[string]error{}
	for result := range server.Client().RunAll(t.Context(), slices.Values(works), cloudconvert.WithConcurrency(1),
		cloudconvert.WithInlineLimit(1000), cloudconvert.WithProgress(both.add)) {
		failures[result.Work.Name] = result.Err
	}
	require.ErrorIs(t, failures["c.txt"], fs.ErrExist)
	delete(failures, "c.txt")
	for name, failure := range failures {
		require.NoError(t, failure, name)
	}
	assert.Equal(t, "pdf: b", testkit.ReadFile(t, filepath.Join(dir, "b.pdf")))
	var sent []string
	for _, task := range server.Tasks() {
		if task.Name == "source" {
			sent = append(sent, task.Operation)
		}
	}
	assert.Equal(t, []string{"import/base64", "import/upload"}, sent, "and the job of the last one is deleted")
	assert.Equal(t, map[string]bool{"b.txt": true}, worksOf(mine.all))
	assert.Equal(t, map[string]bool{"a.txt": true, "d.txt": true}, worksOf(both.all))
}

// worksOf returns the names of the works in progress reports.
func worksOf(all []cloudconvert.Progress) map[string]bool {
	names := map[string]bool{}
	for _, p := range all {
		names[p.Work] = true
	}
	return names
}

// An option of single requests applies to the creation of the job, for all
// works or for one.
func TestRunAllAppliesCallOptions(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	var response cloudconvert.Response
	works := []cloudconvert.Work{
		testkit.TextWork("a.txt", "a", ""),
		testkit.TextWork("b.txt", "b", "", cloudconvert.WithHeader("X-Work", "b"), cloudconvert.CaptureResponse(&response)),
	}
	for result := range server.Client().RunAll(t.Context(), slices.Values(works), cloudconvert.WithConcurrency(1), cloudconvert.WithHeader("X-Batch", "all")) {
		require.NoError(t, result.Err)
	}
	var sent []string
	for _, request := range server.Requests() {
		if request.Method == http.MethodPost {
			sent = append(sent, request.Header.Get("X-Batch")+" "+request.Header.Get("X-Work"))
		}
	}
	assert.Equal(t, []string{"all ", "all b"}, sent)
	assert.Equal(t, http.StatusCreated, response.StatusCode)
}

func TestRunAllProgressNamesTheWork(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	named := testkit.TextWork("b.txt", "b", "")
	named.Name = "second"
	seen := map[string]bool{}
	for result := range server.Client().RunAll(t.Context(), slices.Values([]cloudconvert.Work{testkit.TextWork("a.txt", "a", ""), named}),
		cloudconvert.WithOutputDir(t.TempDir()), cloudconvert.WithInlineLimit(0),
		cloudconvert.WithProgress(func(p cloudconvert.Progress) { seen[p.Work+" "+string(p.Phase)] = true })) {
		require.NoError(t, result.Err)
	}
	assert.Equal(t, map[string]bool{
		"a.txt upload": true, "a.txt process": true, "a.txt download": true,
		"second upload": true, "second process": true, "second download": true,
	}, seen)
}

func TestRunAllCallsProgressOneAtATime(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	var seen reports
	for result := range server.Client().RunAll(t.Context(), testkit.TextWorks(100, t.TempDir()), cloudconvert.WithProgress(seen.add)) {
		require.NoError(t, result.Err)
	}
	assert.False(t, seen.bad)
	assert.GreaterOrEqual(t, len(seen.all), 300)
}

func TestRunAllWaitsForTheRateLimit(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				start := time.Now()
				for result := range server.Client().RunAll(t.Context(), testkit.TextWorks(55, t.TempDir()),
					cloudconvert.WithConcurrency(16), cloudconvert.WithInlineLimit(limit)) {
					require.NoError(t, result.Err)
				}
				assert.GreaterOrEqual(t, time.Since(start), 5*time.Minute)
				assert.Less(t, time.Since(start), 7*time.Minute)
				assert.Equal(t, 55, testkit.JobCount(server))
			}, cloudconverttest.WithRateLimit(10, time.Minute))
		})
	}
}

func TestRunAllWaitsForALongWindow(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				for result := range server.Client().RunAll(t.Context(), testkit.TextWorks(12, t.TempDir()), cloudconvert.WithInlineLimit(limit)) {
					require.NoError(t, result.Err)
				}
				assert.Equal(t, 12, testkit.JobCount(server))
				assert.Less(t, statuses(server)[http.StatusTooManyRequests], 200)
				// But not beyond the end of the context.
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				for result := range server.Client().RunAll(ctx, testkit.TextWorks(12, t.TempDir()), cloudconvert.WithInlineLimit(limit)) {
					if result.Err != nil && !errors.Is(result.Err, context.DeadlineExceeded) {
						require.ErrorIs(t, result.Err, cloudconvert.ErrRateLimited)
					}
				}
				assert.LessOrEqual(t, time.Since(start), time.Hour)
			}, cloudconverttest.WithRateLimit(5, 3*time.Hour))
		})
	}
}

func TestRunAllStopsAtALimitBeyondTheContext(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				good, bad := 0, 0
				for result := range server.Client().RunAll(ctx, testkit.TextWorks(1000, t.TempDir()), cloudconvert.WithInlineLimit(limit), cloudconvert.WithConcurrency(4)) {
					if result.Err == nil {
						good++
						continue
					}
					bad++
					require.ErrorIs(t, result.Err, context.DeadlineExceeded)
				}
				require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
				assert.Equal(t, 5, good)
				assert.LessOrEqual(t, bad, 4)
			}, cloudconverttest.WithRateLimit(5, time.Hour))
		})
	}
}

func TestRunAllWaitsForRunningJobs(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				for result := range server.Client().RunAll(t.Context(), testkit.TextWorks(40, t.TempDir()),
					cloudconvert.WithConcurrency(16), cloudconvert.WithInlineLimit(limit)) {
					require.NoError(t, result.Err)
				}
				assert.Equal(t, 40, testkit.JobCount(server))
			}, cloudconverttest.WithParallelJobs(3), cloudconverttest.WithTaskDuration(10*time.Second))
		})
	}
}

func TestRunAllTakesConstantMemory(t *testing.T) { //nolint:paralleltest // other tests would be measured as well.
	if testing.Short() {
		t.Skip("measures memory")
	}
	const works, size = 10_000, 4 << 10
	client := testkit.NewClient(t, func(r *http.Request) (int, string) {
		_ = r.Body.Close()
		return http.StatusCreated, `{"data": {"id": "j", "status": "finished", "tasks": [
			{"id": "e", "name": "export", "operation": "export/url", "status": "finished", "result": {"files": []}}
		]}}`
	})
	all := func(yield func(cloudconvert.Work) bool) {
		for i := range works {
			if !yield(testkit.TextWork(fmt.Sprint(i, ".txt"), strings.Repeat("x", size), "")) {
				return
			}
		}
	}
	results, early := 0, uint64(0)
	for result := range client.RunAll(t.Context(), all) {
		require.NoError(t, result.Err)
		if results++; results == 1000 {
			early = heap()
		}
	}
	assert.Equal(t, works, results)
	assert.Less(t, heap(), early+1<<20)
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// troubles returns faults that hit a tenth of all requests, of every kind except one:
// no creation fails silently and without an effect, which could not be distinguished
// from a job that does not appear in lists yet.
func troubles() []cloudconverttest.Fault {
	anywhere := []cloudconverttest.Fault{
		{Phase: cloudconverttest.After, Kind: cloudconverttest.Reset},
		{Phase: cloudconverttest.During, Kind: cloudconverttest.Reset},
		{Phase: cloudconverttest.After, Kind: cloudconverttest.Status, Status: http.StatusBadGateway},
		{Phase: cloudconverttest.After, Kind: cloudconverttest.Stall},
		{Kind: cloudconverttest.Truncate},
		{Kind: cloudconverttest.Slow, Delay: 10 * time.Second},
		{Kind: cloudconverttest.Status, Status: http.StatusTooManyRequests, Code: "TOO_MANY_REQUESTS"},
	}
	somewhere := []cloudconverttest.Fault{
		{Method: http.MethodGet, Kind: cloudconverttest.Reset},
		{Method: http.MethodGet, Kind: cloudconverttest.Status, Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"3"}}},
		{Path: "storage:upload", Kind: cloudconverttest.Reset},
	}
	faults := slices.Concat(anywhere, somewhere)
	for i := range faults {
		faults[i].Share, faults[i].Seed = 0.012, uint64(i+1)
	}
	return faults
}

func TestRunAllSurvivesFaults(t *testing.T) {
	t.Parallel()
	const pictures = 300
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		for _, fault := range troubles() {
			server.Inject(fault)
		}
		in, out := t.TempDir(), t.TempDir()
		good := picture(t, 3000)
		broken := map[string]bool{}
		var works []cloudconvert.Work
		for i := range pictures {
			name := fmt.Sprintf("%03d.png", i)
			file := slices.Clone(good)
			if i%10 == 3 {
				file = file[:len(file)/2]
				broken[filepath.Join(in, name)] = true
			}
			path := testkit.WriteFile(t, filepath.Join(in, name), string(file))
			// A third of them are large enough to be uploaded.
			works = append(works, cloudconvert.Work{
				Request: cloudconvert.Pipeline(cloudconvert.FromFile(path), cloudconvert.Convert{OutputFormat: "jpg"}),
				Options: []cloudconvert.RunOption{cloudconvert.WithInlineLimit([]int64{0, 1 << 20, 1 << 20}[i%3])},
			})
		}
		client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 20}),
			cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 20}))
		results := map[string]bool{}
		for result := range client.RunAll(t.Context(), slices.Values(works), cloudconvert.WithOutputDir(out), cloudconvert.WithConcurrency(16)) {
			path := result.Work.Name
			assert.False(t, results[path], "each work has one result")
			results[path] = true
			if broken[path] {
				require.ErrorIs(t, result.Err, cloudconvert.ErrJobFailed, path)
				require.ErrorContains(t, result.Err, result.Job.ID)
				continue
			}
			require.NoError(t, result.Err, path)
			_, err := jpeg.Decode(bytes.NewReader([]byte(testkit.ReadFile(t, result.Files[0]))))
			require.NoError(t, err)
		}
		assert.Len(t, results, pictures)
		assert.Len(t, testkit.Listed(t, out), pictures-len(broken), "whole, once, and nothing else")
		assert.Equal(t, pictures, testkit.JobCount(server), "no second jobs")
		count := statuses(server)
		t.Log(len(server.Requests()), "requests, statuses", count)
		assert.Greater(t, count[0]+count[502]+count[503]+count[429], len(server.Requests())/20, "there was trouble")
	})
}

// It comes after the results of the works that were begun.
func TestRunAllPassesOnAPanicOfTheIterator(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		results := 0
		defer func() {
			assert.Contains(t, recover(), "no more works")
			assert.Equal(t, 2, results)
		}()
		for result := range server.Client().RunAll(t.Context(), func(yield func(cloudconvert.Work) bool) {
			for work := range testkit.TextWorks(2, t.TempDir()) {
				yield(work)
			}
			panic("no more works") //nolint:forbidigo // the test is about panics
		}) {
			require.NoError(t, result.Err)
			results++
		}
	})
}

// The directory is checked before each job is paid for.
func TestRunAllChecksEachDestination(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "out")
		require.NoError(t, os.Mkdir(dir, 0o700))
		var failures []error
		for result := range server.Client().RunAll(t.Context(), testkit.TextWorks(5, dir), cloudconvert.WithConcurrency(1)) {
			if failures = append(failures, result.Err); len(failures) == 1 {
				require.NoError(t, os.Rename(dir, dir+" gone"))
				testkit.WriteFile(t, dir, "in the way")
			}
		}
		require.Len(t, failures, 5)
		require.NoError(t, failures[0])
		require.ErrorContains(t, failures[4], "cannot be written")
		assert.Less(t, testkit.JobCount(server), 4)
	}, cloudconverttest.WithTaskDuration(time.Second))
}

func TestRunAllLogsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log testkit.Log
		replies := slices.Repeat([]testkit.Reply{testkit.Says(http.StatusTooManyRequests, "")}, 12)
		client, script := testkit.NewScriptWith(t, []cloudconvert.Option{log.Option()}, append(replies, testkit.Says(http.StatusCreated, testkit.EndedJob))...)
		for result := range client.RunAll(t.Context(), onlyWork(testkit.TextWork("a.txt", "x", ""))) {
			require.NoError(t, result.Err)
		}
		assert.Len(t, script.Requests, 13)
		assert.Len(t, log.Lines(slog.LevelWarn), 12)
	})
}

// childPanics is set in the child process, which panics.
const childPanics = "CLOUDCONVERT_TEST_PANICS"

// TestRunAllPanicChild is the child process of [TestRunAllPanicsAtOnce].
func TestRunAllPanicChild(t *testing.T) {
	t.Parallel()
	if os.Getenv(childPanics) == "" {
		t.Skip("runs as a child of TestRunAllPanicsAtOnce")
	}
	works := func(yield func(cloudconvert.Work) bool) {
		for n := range 3 {
			yield(testkit.TextWork(fmt.Sprint(n, ".txt"), "x", "", cloudconvert.WithProgress(func(cloudconvert.Progress) {
				if n == 2 {
					panic("enough") //nolint:forbidigo // the test is about panics
				}
			})))
		}
	}
	for range testkit.NewSandbox(t).Client().RunAll(t.Context(), works, cloudconvert.WithConcurrency(1)) {
		<-t.Context().Done() // takes no other result
	}
}

// A panic in a work does not wait for a busy consumer.
func TestRunAllPanicsAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestRunAllPanicChild$")
	child.Env = append(os.Environ(), childPanics+"=yes")
	output, err := child.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(output), "panic: enough")
	require.NoError(t, ctx.Err())
}
