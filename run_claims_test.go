package cloudconvert_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// runAll runs works one after the other and returns their results in their order.
func runAll(t *testing.T, server *cloudconverttest.Server, works []cloudconvert.Work, opts ...cloudconvert.BatchOption) []cloudconvert.Result {
	t.Helper()
	opts = append([]cloudconvert.BatchOption{cloudconvert.WithConcurrency(1)}, opts...)
	return slices.Collect(server.Client().RunAll(t.Context(), slices.Values(works), opts...))
}

func TestRunAllNamesWorksAfterTheirFirstSource(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	path := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "x")
	server.HandleURL("https://example.com/b.txt?sig=s3cret", path)
	pdf := cloudconvert.Convert{OutputFormat: "pdf"}
	url := cloudconvert.FromURL("https://example.com/b.txt?sig=s3cret")
	for name, c := range map[string]struct {
		work cloudconvert.Work
		want string
	}{
		"path":  {cloudconvert.Work{Request: cloudconvert.Pipeline(cloudconvert.FromFile(path), pdf)}, path},
		"FS":    {cloudconvert.Work{Request: cloudconvert.Pipeline(cloudconvert.FromFS(os.DirFS(filepath.Dir(path)), "a.txt"), pdf)}, "a.txt"},
		"bytes": {testkit.TextWork("c.txt", "x", ""), "c.txt"},
		"URL":   {cloudconvert.Work{Request: cloudconvert.Pipeline(url, pdf)}, url.String()},
		"second source": {
			cloudconvert.Work{Request: cloudconvert.Pipeline(
				cloudconvert.FromBytes("z.txt", []byte("z")), cloudconvert.FromBytes("a.txt", []byte("a")), pdf)},
			"z.txt",
		},
		"Name": {cloudconvert.Work{Name: "mine", Request: cloudconvert.Pipeline(cloudconvert.FromFile(path), pdf)}, "mine"},
	} {
		results := runAll(t, server, []cloudconvert.Work{c.work})
		require.Len(t, results, 1)
		require.NoError(t, results[0].Err, name)
		assert.Equal(t, c.want, results[0].Work.Name, name)
		assert.NotContains(t, results[0].Work.Name, "s3cret")
	}
}

func TestRunAllRequiresANameWithoutASource(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	request := cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.Convert{OutputFormat: "pdf"})
	results := runAll(t, server, []cloudconvert.Work{{Request: request}, {Name: "raw", Request: request}})
	require.ErrorIs(t, results[0].Err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, results[0].Err, "set Name")
	require.NoError(t, results[1].Err)
	assert.Equal(t, 1, testkit.JobCount(server))
}

// The second one is refused even if the first has ended or failed.
func TestRunAllRefusesTwoWorksOfOneName(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 8} {
		for _, journal := range []bool{false, true} {
			t.Run(fmt.Sprint(concurrency, journal), func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					dir := t.TempDir()
					opts := []cloudconvert.BatchOption{cloudconvert.WithOutputDir(dir), cloudconvert.WithConcurrency(concurrency)}
					if journal {
						opts = append(opts, cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal")))
					}
					named := testkit.TextWork("b.txt", "3", "named.pdf")
					named.Name = "a.txt"
					works := []cloudconvert.Work{testkit.TextWork("a.txt", "1", "first.pdf"), testkit.TextWork("a.txt", "2", "second.pdf"), testkit.TextWork("b.txt", "4", ""), named}
					failures := map[string]error{}
					for result := range server.Client().RunAll(t.Context(), slices.Values(works), opts...) {
						failures[result.Work.Destination] = result.Err
					}
					require.NoError(t, failures["first.pdf"])
					require.NoError(t, failures[""])
					for _, second := range []string{"second.pdf", "named.pdf"} {
						require.ErrorIs(t, failures[second], cloudconvert.ErrInvalid)
						require.ErrorContains(t, failures[second], `another work of the batch has the name "a.txt"`)
					}
					assert.Equal(t, []string{"b.pdf", "first.pdf"}, testkit.Listed(t, dir))
					assert.Equal(t, 2, testkit.JobCount(server))
				}, cloudconverttest.WithTaskDuration(time.Second))
			})
		}
	}
}

func TestRunAllCollisionsQuoteNoSecrets(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]string{"default name": "", "name of the caller": "https://me:s3cret@a.example/a.png?sig=s3cret"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				work := cloudconvert.Work{Name: given, Request: cloudconvert.Pipeline(
					cloudconvert.FromURL(`https://me:s3cret@a.example/a.png?name="a b"&sig=s3cret`), cloudconvert.Convert{OutputFormat: "jpg"})}
				results := runAll(t, server, []cloudconvert.Work{work, work}, cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal")))
				require.ErrorContains(t, results[1].Err, "has the name")
				require.ErrorContains(t, results[1].Err, "a.example")
				for _, result := range results {
					require.NotContains(t, fmt.Sprintf("%v %+v %#v", result, result.Work, result.Err), "s3cret")
				}
			})
		})
	}
}

// Paths are claimed in the order of the works, in any spelling. The second claim fails
// before its job is created.
func TestRunAllClaimsPaths(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ first, second string }{
		"the same":        {"DIR/a.pdf", "DIR/a.pdf"},
		"not clean":       {"DIR/a.pdf", "DIR/./x/../a.pdf"},
		"relative":        {"DIR/a.pdf", "a.pdf"},
		"directory":       {"DIR/b.pdf", "DIR/"},
		"below":           {"x/b.pdf", "./x//"},
		"output dir":      {"b.pdf", ""},
		"by way of above": {"a.pdf", "y/../a.pdf"},
	} {
		for _, concurrency := range []int{1, 8} {
			for _, overwrite := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " ", concurrency, " ", overwrite), func(t *testing.T) {
					t.Parallel()
					testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
						t.Helper()
						dir := t.TempDir()
						first, second := strings.Replace(c.first, "DIR", dir, 1), strings.Replace(c.second, "DIR", dir, 1)
						opts := []cloudconvert.BatchOption{cloudconvert.WithOutputDir(dir), cloudconvert.WithConcurrency(concurrency)}
						if overwrite {
							opts = append(opts, cloudconvert.WithOverwrite())
						}
						works := []cloudconvert.Work{testkit.TextWork("a.txt", "first", first), testkit.TextWork("b.txt", "second", second), testkit.TextWork("c.txt", "third", "c.pdf")}
						failures := map[string]error{}
						for result := range server.Client().RunAll(t.Context(), slices.Values(works), opts...) {
							failures[result.Work.Name] = result.Err
							assert.Equal(t, result.Err == nil, len(result.Files) == 1)
						}
						require.NoError(t, failures["a.txt"])
						require.NoError(t, failures["c.txt"])
						require.ErrorIs(t, failures["b.txt"], cloudconvert.ErrInvalid)
						require.ErrorContains(t, failures["b.txt"], "another work of the batch writes")
						if !filepath.IsAbs(first) {
							first = filepath.Join(dir, first)
						}
						assert.Equal(t, "pdf: first", testkit.ReadFile(t, first))
						assert.Equal(t, 2, testkit.JobCount(server))
					}, cloudconverttest.WithTaskDuration(time.Second))
				})
			}
		}
	}
}

// Names that differ only in case are one file on some systems.
func TestRunAllClaimsPathsIgnoringCase(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	results := runAll(t, server, []cloudconvert.Work{testkit.TextWork("a.txt", "x", "a.pdf"), testkit.TextWork("b.txt", "x", "A.PDF")}, cloudconvert.WithOutputDir(t.TempDir()))
	require.NoError(t, results[0].Err)
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		require.ErrorIs(t, results[1].Err, cloudconvert.ErrInvalid)
	} else {
		require.NoError(t, results[1].Err)
	}
}

func TestRunAllMirrorsATree(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	names := []string{"report.txt", "a/report.txt", "a/b/report.txt", "c/report.txt"}
	var works []cloudconvert.Work
	for _, name := range names {
		path := filepath.Join(in, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		works = append(works, cloudconvert.Work{
			Request:     cloudconvert.Pipeline(cloudconvert.FromFile(testkit.WriteFile(t, path, name)), cloudconvert.Convert{OutputFormat: "pdf"}),
			Destination: filepath.ToSlash(filepath.Dir(filepath.FromSlash(name))) + "/",
		})
	}
	for result := range server.Client().RunAll(t.Context(), slices.Values(works), cloudconvert.WithOutputDir(out)) {
		require.NoError(t, result.Err)
	}
	for _, name := range names {
		assert.Equal(t, "pdf: "+name, testkit.ReadFile(t, filepath.Join(out, strings.TrimSuffix(name, ".txt")+".pdf")))
	}
}

// The directory is relative to the current one, or absolute.
func TestRunAllAcceptsDirectoryWithoutOutputDir(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	results := runAll(t, server, []cloudconvert.Work{testkit.TextWork("a.txt", "x", dir+"/new/")})
	require.NoError(t, results[0].Err)
	assert.Equal(t, []string{filepath.Join(dir, "new", "a.pdf")}, results[0].Files)
}

// WithOverwrite does not make two works with one path both succeed.
func TestRunAllOverwritesNoFileOfTheSameBatch(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	var works []cloudconvert.Work
	for _, name := range []string{"a/report.txt", "b/report.txt"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		works = append(works, cloudconvert.Work{
			Request: cloudconvert.Pipeline(cloudconvert.FromFile(testkit.WriteFile(t, path, name)), cloudconvert.Convert{OutputFormat: "pdf"}),
		})
	}
	results := runAll(t, server, works, cloudconvert.WithOutputDir(filepath.Join(dir, "out")), cloudconvert.WithOverwrite())
	require.NoError(t, results[0].Err)
	require.ErrorIs(t, results[1].Err, cloudconvert.ErrInvalid)
	assert.Empty(t, results[1].Files)
	assert.Equal(t, "pdf: a/report.txt", testkit.ReadFile(t, filepath.Join(dir, "out", "report.pdf")))
	assert.Equal(t, 1, testkit.JobCount(server))
}

// These names are known only when the job has ended. What the second work paid for can
// be saved elsewhere.
func TestRunAllClaimsFilesThatTheServiceNames(t *testing.T) {
	t.Parallel()
	pages := func(name, text, dst string) cloudconvert.Work {
		return cloudconvert.Work{
			Name:        name,
			Request:     cloudconvert.Pipeline(cloudconvert.FromBytes(name+".txt", []byte(text)), cloudconvert.Convert{OutputFormat: "page"}),
			Destination: dst,
		}
	}
	for name, c := range map[string]struct {
		first, second cloudconvert.Work
		file          string
	}{
		"service's names":   {pages("first", "first\n2", ""), pages("second", "second\n2", "./"), "page-1.page"},
		"numbered":          {pages("first", "first\n2", "p.page"), pages("second", "second\n2", "p-1.page"), "p-1.page"},
		"numbered, claimed": {pages("first", "first", "p-1.page"), pages("second", "second\n2", "p.page"), "p-1.page"},
	} {
		for _, journal := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", journal), func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					dir := t.TempDir()
					opts := []cloudconvert.BatchOption{cloudconvert.WithOutputDir(dir), cloudconvert.WithOverwrite()}
					if journal {
						opts = append(opts, cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal")))
					}
					results := runAll(t, server, []cloudconvert.Work{c.first, c.second}, opts...)
					require.NoError(t, results[0].Err)
					assert.Equal(t, "first", testkit.ReadFile(t, filepath.Join(dir, c.file)))
					if name == "numbered" { // which is known only afterwards: it was two files, and p-1.page is a claim of the first
						require.Error(t, results[1].Err)
						return
					}
					var unsaved *cloudconvert.UnsavedError
					require.ErrorAs(t, results[1].Err, &unsaved)
					require.ErrorContains(t, results[1].Err, "another work of the batch writes")
					assert.Empty(t, results[1].Files)
					files, err := server.Client().SaveAs(t.Context(), unsaved.Job, filepath.Join(dir, "elsewhere")+"/")
					require.NoError(t, err)
					assert.Len(t, files, 2)
					assert.Equal(t, 2, testkit.JobCount(server))
				})
			})
		}
	}
}

func TestRunAllClaimsNothingForRefusedWorks(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	bad := testkit.TextWork("a.txt", "x", "a.pdf", cloudconvert.WithInlineLimit(-1))
	results := runAll(t, server, []cloudconvert.Work{bad, testkit.TextWork("a.txt", "x", "a.pdf")}, cloudconvert.WithOutputDir(t.TempDir()))
	require.ErrorIs(t, results[0].Err, cloudconvert.ErrInvalid)
	require.NoError(t, results[1].Err)
}

// The check comes before the job is paid for.
func TestRunAllChecksThatTheFileIsFree(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "a.pdf"), "mine")
	results := runAll(t, server, []cloudconvert.Work{testkit.TextWork("a.txt", "x", "")}, cloudconvert.WithOutputDir(dir))
	require.ErrorIs(t, results[0].Err, fs.ErrExist)
	assert.Equal(t, "mine", testkit.ReadFile(t, filepath.Join(dir, "a.pdf")))
	assert.Zero(t, testkit.JobCount(server))
}

func TestRunAllKeepsFilenameInOutputDir(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	work := cloudconvert.Work{Request: cloudconvert.Pipeline(
		cloudconvert.FromBytes("contract.txt", []byte("x")), cloudconvert.Convert{OutputFormat: "pdf", Filename: "invoice-2026.pdf"})}
	results := runAll(t, server, []cloudconvert.Work{work}, cloudconvert.WithOutputDir(dir))
	require.NoError(t, results[0].Err)
	assert.Equal(t, []string{"invoice-2026.pdf"}, testkit.Listed(t, dir))
}

func TestRunAllStopsAtItsBudget(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 4} {
		t.Run(strconv.Itoa(concurrency), func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				taken, good, refused, cost := 0, 0, 0, 0
				works := func(yield func(cloudconvert.Work) bool) {
					for work := range testkit.TextWorks(1000, "") {
						work.Destination = ""
						if taken++; !yield(work) {
							return
						}
					}
				}
				for result := range server.Client().RunAll(t.Context(), works, cloudconvert.WithBudget(10), cloudconvert.WithConcurrency(concurrency)) {
					if result.Err == nil {
						good++
						cost += result.Job.Credits()
						continue
					}
					require.ErrorIs(t, result.Err, cloudconvert.ErrBudget)
					assert.Nil(t, result.Job)
					assert.NotEmpty(t, result.Work.Name)
					refused++
				}
				assert.GreaterOrEqual(t, cost, 10)
				assert.Less(t, cost, 10+cost/good*concurrency, "what was running may exceed it")
				assert.Equal(t, good, testkit.JobCount(server))
				assert.LessOrEqual(t, refused, concurrency)
				assert.Equal(t, taken, good+refused, "each work that was taken has a result")
			}, cloudconverttest.WithTaskDuration(time.Second))
		})
	}
}

// lateReader delays each read.
type lateReader struct{ io.Reader }

func (r lateReader) Read(p []byte) (int, error) {
	testkit.Advance(time.Minute)
	return r.Reader.Read(p)
}

// The source of the work is still being read when the budget is spent.
func TestRunAllBeginsNothingBeyondItsBudget(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		late := cloudconvert.Work{Request: cloudconvert.Pipeline(
			cloudconvert.FromReader("late.txt", lateReader{strings.NewReader("x")}), cloudconvert.Convert{OutputFormat: "pdf"})}
		failures := map[string]error{}
		for result := range server.Client().RunAll(t.Context(), slices.Values([]cloudconvert.Work{late, testkit.TextWork("a.txt", "x", "")}), cloudconvert.WithBudget(1)) {
			failures[result.Work.Name] = result.Err
		}
		require.NoError(t, failures["a.txt"])
		require.ErrorIs(t, failures["late.txt"], cloudconvert.ErrBudget)
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

func TestRunAllBudgetIgnoresAdoptedJobs(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir, journal := t.TempDir(), cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		running := 0
		for result := range server.Client().RunAll(ctx, testkit.TextWorks(3, dir), journal) {
			require.ErrorIs(t, result.Err, context.DeadlineExceeded)
			running++
		}
		require.Equal(t, 3, running)
		require.Equal(t, 3, testkit.JobCount(server))
		works := slices.Collect(testkit.TextWorks(10, dir))
		var failures []error
		for _, result := range runAll(t, server, works, journal, cloudconvert.WithBudget(2)) {
			failures = append(failures, result.Err)
		}
		require.Len(t, failures, 3+2+1)
		require.NoError(t, errors.Join(failures[:5]...))
		require.ErrorIs(t, failures[5], cloudconvert.ErrBudget)
		assert.Equal(t, 3+2, testkit.JobCount(server))
	}, cloudconverttest.WithTaskDuration(10*time.Second))
}

func TestRunAllBudgetIgnoresRefusedCreations(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Status: http.StatusUnprocessableEntity, Times: 20})
		results := 0
		for result := range server.Client().RunAll(t.Context(), testkit.TextWorks(20, t.TempDir()), cloudconvert.WithBudget(1)) {
			require.NotErrorIs(t, result.Err, cloudconvert.ErrBudget)
			results++
		}
		assert.Equal(t, 20, results)
	})
}

// A result without a name is a failure of the batch.
func TestRunAllNamesRefusedWorks(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	works := []cloudconvert.Work{
		testkit.TextWork("option.txt", "x", "", cloudconvert.WithInlineLimit(-1)),
		{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("format.txt", []byte("x")), cloudconvert.Convert{})},
		{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("extension", []byte("x")), cloudconvert.Convert{OutputFormat: "pdf"})},
		testkit.TextWork("format.txt", "x", filepath.Join(t.TempDir(), "a.doc")),
		testkit.TextWork("good.txt", "x", ""),
		testkit.TextWork("good.txt", "x", ""),
		testkit.TextWork("late.txt", "x", ""),
	}
	var names []string
	for i, result := range runAll(t, server, works, cloudconvert.WithBudget(1)) {
		names = append(names, result.Work.Name)
		assert.Equal(t, i == 4, result.Err == nil, "%v", result.Err)
	}
	assert.Equal(t, []string{"option.txt", "format.txt", "extension", "format.txt", "good.txt", "good.txt"}, names)
}

func TestRunAllNamesInvalidWorks(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	toJPG := cloudconvert.Convert{OutputFormat: "jpg"}
	works := []cloudconvert.Work{
		{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("README", []byte("x")), toJPG)},                        // no extension
		{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("a.png", []byte("x")), toJPG), Destination: "out.pdf"}, // another format
		{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("b.png", []byte("x")), toJPG), Options: []cloudconvert.RunOption{nil}},
	}
	names := []string{}
	for result := range server.Client().RunAll(t.Context(), slices.Values(works)) {
		require.ErrorIs(t, result.Err, cloudconvert.ErrInvalid)
		names = append(names, result.Work.Name)
	}
	assert.ElementsMatch(t, []string{"README", "a.png", "b.png"}, names)
	assert.Empty(t, server.Jobs())
}

// The output directory itself, and what is outside of it, are not files of it.
func TestRunAllRefusesDestinationsOutsideTheOutputDir(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t)
	out := filepath.Join(t.TempDir(), "out")
	for _, destination := range []string{".", "a/.", "..", "a/../..", "../x.pdf"} {
		work := testkit.TextWork("a.txt", "x", destination)
		for result := range client.RunAll(t.Context(), slices.Values([]cloudconvert.Work{work}), cloudconvert.WithOutputDir(out)) {
			require.ErrorIs(t, result.Err, cloudconvert.ErrInvalid, destination)
		}
	}
	assert.Empty(t, script.Bodies)
	assert.NoFileExists(t, out)
}

func TestRunAllClaimsPathsThroughLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Skip("no symbolic links here")
	}
	client := testkit.NewClient(t, func(*http.Request) (int, string) { return http.StatusUnprocessableEntity, "{}" })
	works := []cloudconvert.Work{
		testkit.TextWork("a.txt", "x", filepath.Join(dir, "real", "x.pdf")),
		testkit.TextWork("b.txt", "x", filepath.Join(dir, "link", "x.pdf")),
	}
	failures := map[string]error{}
	for result := range client.RunAll(t.Context(), slices.Values(works), cloudconvert.WithOverwrite()) {
		failures[result.Work.Name] = result.Err
	}
	assert.ErrorContains(t, failures["b.txt"], "another work of the batch writes")
}

// The first work creates the directory, which then has another path than before it existed
// if links are only followed where they lead to something.
func TestRunAllClaimsPathsInNewDirectoriesBehindLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Skip("no symbolic links here")
	}
	client := testkit.NewClient(t, func(*http.Request) (int, string) { return http.StatusUnprocessableEntity, "{}" })
	dst := filepath.Join(dir, "link", "new", "x.pdf")
	works := []cloudconvert.Work{testkit.TextWork("a.txt", "x", dst), testkit.TextWork("b.txt", "x", dst)}
	failures := map[string]error{}
	for result := range client.RunAll(t.Context(), slices.Values(works), cloudconvert.WithOverwrite(), cloudconvert.WithConcurrency(1)) {
		failures[result.Work.Name] = result.Err
	}
	assert.DirExists(t, filepath.Dir(dst))
	assert.ErrorContains(t, failures["b.txt"], "another work of the batch writes")
}
