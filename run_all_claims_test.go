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
)

// runAll runs works one after the other and returns their results in their order.
func runAll(t *testing.T, server *cloudconverttest.Server, works []cloudconvert.Work, opts ...cloudconvert.BatchOption) []cloudconvert.Result {
	t.Helper()
	opts = append([]cloudconvert.BatchOption{cloudconvert.WithConcurrency(1)}, opts...)
	return slices.Collect(server.Client().RunAll(t.Context(), slices.Values(works), opts...))
}

func TestRunAllNamesWorksAfterTheirFirstSource(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	path := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "x")
	server.HandleURL("https://example.com/b.txt?sig=s3cret", path)
	pdf := cloudconvert.Convert{OutputFormat: "pdf"}
	url := cloudconvert.FromURL("https://example.com/b.txt?sig=s3cret")
	for name, c := range map[string]struct {
		work cloudconvert.Work
		want string
	}{
		"path":  {cloudconvert.Work{Request: cloudconvert.Pipeline(cloudconvert.FromFile(path), pdf)}, path},
		"FS":    {cloudconvert.Work{Request: cloudconvert.Pipeline(cloudconvert.FromFS(os.DirFS(filepath.Dir(path)), "a.txt"), pdf)}, "a.txt"},
		"bytes": {textWork("c.txt", "x", ""), "c.txt"},
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
	server := newSandbox(t)
	request := cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.Convert{OutputFormat: "pdf"})
	results := runAll(t, server, []cloudconvert.Work{{Request: request}, {Name: "raw", Request: request}})
	require.ErrorIs(t, results[0].Err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, results[0].Err, "set Name")
	require.NoError(t, results[1].Err)
	assert.Equal(t, 1, jobCount(server))
}

// The second of two works of one name is refused, also when the first one has ended long ago or has failed.
func TestRunAllRefusesTwoWorksOfOneName(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 8} {
		for _, journal := range []bool{false, true} {
			t.Run(fmt.Sprint(concurrency, journal), func(t *testing.T) {
				t.Parallel()
				inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					dir := t.TempDir()
					opts := []cloudconvert.BatchOption{cloudconvert.WithOutputDir(dir), cloudconvert.WithConcurrency(concurrency)}
					if journal {
						opts = append(opts, cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal")))
					}
					named := textWork("b.txt", "3", "named.pdf")
					named.Name = "a.txt"
					works := []cloudconvert.Work{textWork("a.txt", "1", "first.pdf"), textWork("a.txt", "2", "second.pdf"), textWork("b.txt", "4", ""), named}
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
					assert.Equal(t, []string{"b.pdf", "first.pdf"}, listed(t, dir))
					assert.Equal(t, 2, jobCount(server))
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
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
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

// Paths are claimed in the order of the works, for good, whatever they are written like. The second claim fails before
// its job is created.
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
					inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
						t.Helper()
						dir := t.TempDir()
						first, second := strings.Replace(c.first, "DIR", dir, 1), strings.Replace(c.second, "DIR", dir, 1)
						opts := []cloudconvert.BatchOption{cloudconvert.WithOutputDir(dir), cloudconvert.WithConcurrency(concurrency)}
						if overwrite {
							opts = append(opts, cloudconvert.WithOverwrite())
						}
						works := []cloudconvert.Work{textWork("a.txt", "first", first), textWork("b.txt", "second", second), textWork("c.txt", "third", "c.pdf")}
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
						assert.Equal(t, "pdf: first", readFile(t, first))
						assert.Equal(t, 2, jobCount(server))
					}, cloudconverttest.WithTaskDuration(time.Second))
				})
			}
		}
	}
}

// Names that differ only in case are one file on some systems.
func TestRunAllClaimsPathsByTheRulesOfTheSystem(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	results := runAll(t, server, []cloudconvert.Work{textWork("a.txt", "x", "a.pdf"), textWork("b.txt", "x", "A.PDF")}, cloudconvert.WithOutputDir(t.TempDir()))
	require.NoError(t, results[0].Err)
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		require.ErrorIs(t, results[1].Err, cloudconvert.ErrInvalid)
	} else {
		require.NoError(t, results[1].Err)
	}
}

// Directories as destinations mirror a tree, so that files of one name do not meet.
func TestRunAllMirrorsATree(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	names := []string{"report.txt", "a/report.txt", "a/b/report.txt", "c/report.txt"}
	var works []cloudconvert.Work
	for _, name := range names {
		path := filepath.Join(in, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		works = append(works, cloudconvert.Work{
			Request:     cloudconvert.Pipeline(cloudconvert.FromFile(writeFile(t, path, name)), cloudconvert.Convert{OutputFormat: "pdf"}),
			Destination: filepath.ToSlash(filepath.Dir(filepath.FromSlash(name))) + "/",
		})
	}
	for result := range server.Client().RunAll(t.Context(), slices.Values(works), cloudconvert.WithOutputDir(out)) {
		require.NoError(t, result.Err)
	}
	for _, name := range names {
		assert.Equal(t, "pdf: "+name, readFile(t, filepath.Join(out, strings.TrimSuffix(name, ".txt")+".pdf")))
	}
}

// Without WithOutputDir a directory as a destination is relative to the current one, or absolute.
func TestRunAllDirectoryWithoutOutputDir(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	results := runAll(t, server, []cloudconvert.Work{textWork("a.txt", "x", dir+"/new/")})
	require.NoError(t, results[0].Err)
	assert.Equal(t, []string{filepath.Join(dir, "new", "a.pdf")}, results[0].Files)
}

// Two works with the same name of a file in the same output directory never both succeed, also where the second may
// overwrite.
func TestRunAllOfTwoSourcesOfOneNameWithOverwrite(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	var works []cloudconvert.Work
	for _, name := range []string{"a/report.txt", "b/report.txt"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		works = append(works, cloudconvert.Work{
			Request: cloudconvert.Pipeline(cloudconvert.FromFile(writeFile(t, path, name)), cloudconvert.Convert{OutputFormat: "pdf"}),
		})
	}
	results := runAll(t, server, works, cloudconvert.WithOutputDir(filepath.Join(dir, "out")), cloudconvert.WithOverwrite())
	require.NoError(t, results[0].Err)
	require.ErrorIs(t, results[1].Err, cloudconvert.ErrInvalid)
	assert.Empty(t, results[1].Files)
	assert.Equal(t, "pdf: a/report.txt", readFile(t, filepath.Join(dir, "out", "report.pdf")))
	assert.Equal(t, 1, jobCount(server))
}

// Which files there are may be known only when the job has ended. Also then no two works write the same one, and what
// the second one paid for can be saved elsewhere.
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
				inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					dir := t.TempDir()
					opts := []cloudconvert.BatchOption{cloudconvert.WithOutputDir(dir), cloudconvert.WithOverwrite()}
					if journal {
						opts = append(opts, cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal")))
					}
					results := runAll(t, server, []cloudconvert.Work{c.first, c.second}, opts...)
					require.NoError(t, results[0].Err)
					assert.Equal(t, "first", readFile(t, filepath.Join(dir, c.file)))
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
					assert.Equal(t, 2, jobCount(server))
				})
			})
		}
	}
}

// A work that was refused claims nothing that keeps a later one of another name from its path.
func TestRunAllOfARefusedWorkClaimsNothing(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	bad := textWork("a.txt", "x", "a.pdf", cloudconvert.WithInlineLimit(-1))
	results := runAll(t, server, []cloudconvert.Work{bad, textWork("a.txt", "x", "a.pdf")}, cloudconvert.WithOutputDir(t.TempDir()))
	require.ErrorIs(t, results[0].Err, cloudconvert.ErrInvalid)
	require.NoError(t, results[1].Err)
}

// A file that is there is found before its work is paid for.
func TestRunAllChecksThatTheFileIsFree(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.pdf"), "mine")
	results := runAll(t, server, []cloudconvert.Work{textWork("a.txt", "x", "")}, cloudconvert.WithOutputDir(dir))
	require.ErrorIs(t, results[0].Err, fs.ErrExist)
	assert.Equal(t, "mine", readFile(t, filepath.Join(dir, "a.pdf")))
	assert.Zero(t, jobCount(server))
}

// The name that was asked for is the name of the file in the output directory.
func TestRunAllFilenameInOutputDir(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	work := cloudconvert.Work{Request: cloudconvert.Pipeline(
		cloudconvert.FromBytes("contract.txt", []byte("x")), cloudconvert.Convert{OutputFormat: "pdf", Filename: "invoice-2026.pdf"})}
	results := runAll(t, server, []cloudconvert.Work{work}, cloudconvert.WithOutputDir(dir))
	require.NoError(t, results[0].Err)
	assert.Equal(t, []string{"invoice-2026.pdf"}, listed(t, dir))
}

func TestRunAllEndsWithItsBudget(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 4} {
		t.Run(strconv.Itoa(concurrency), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				taken, good, refused, cost := 0, 0, 0, 0
				works := func(yield func(cloudconvert.Work) bool) {
					for work := range textWorks(1000, "") {
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
				assert.Equal(t, good, jobCount(server))
				assert.LessOrEqual(t, refused, concurrency)
				assert.Equal(t, taken, good+refused, "each work that was taken has a result")
			}, cloudconverttest.WithTaskDuration(time.Second))
		})
	}
}

// lateReader takes its time.
type lateReader struct{ io.Reader }

func (r lateReader) Read(p []byte) (int, error) {
	advance(time.Minute)
	return r.Reader.Read(p)
}

// A work whose source was still read when the budget was spent is not begun.
func TestRunAllBeginsNothingBeyondItsBudget(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		late := cloudconvert.Work{Request: cloudconvert.Pipeline(
			cloudconvert.FromReader("late.txt", lateReader{strings.NewReader("x")}), cloudconvert.Convert{OutputFormat: "pdf"})}
		failures := map[string]error{}
		for result := range server.Client().RunAll(t.Context(), slices.Values([]cloudconvert.Work{late, textWork("a.txt", "x", "")}), cloudconvert.WithBudget(1)) {
			failures[result.Work.Name] = result.Err
		}
		require.NoError(t, failures["a.txt"])
		require.ErrorIs(t, failures["late.txt"], cloudconvert.ErrBudget)
		assert.Equal(t, 1, jobCount(server))
	})
}

// Jobs that were not created by this run cost this run nothing.
func TestRunAllBudgetIsOfTheJobsThatItCreated(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir, journal := t.TempDir(), cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		running := 0
		for result := range server.Client().RunAll(ctx, textWorks(3, dir), journal) {
			require.ErrorIs(t, result.Err, context.DeadlineExceeded)
			running++
		}
		require.Equal(t, 3, running)
		require.Equal(t, 3, jobCount(server))
		works := slices.Collect(textWorks(10, dir))
		var failures []error
		for _, result := range runAll(t, server, works, journal, cloudconvert.WithBudget(2)) {
			failures = append(failures, result.Err)
		}
		require.Len(t, failures, 3+2+1)
		require.NoError(t, errors.Join(failures[:5]...))
		require.ErrorIs(t, failures[5], cloudconvert.ErrBudget)
		assert.Equal(t, 3+2, jobCount(server))
	}, cloudconverttest.WithTaskDuration(10*time.Second))
}

// Refused creations cost nothing.
func TestRunAllBudgetOfFailures(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Status: http.StatusUnprocessableEntity, Times: 20})
		results := 0
		for result := range server.Client().RunAll(t.Context(), textWorks(20, t.TempDir()), cloudconvert.WithBudget(1)) {
			require.NotErrorIs(t, result.Err, cloudconvert.ErrBudget)
			results++
		}
		assert.Equal(t, 20, results)
	})
}

// A result without a name is the failure of the batch itself: a work that is refused has its name.
func TestRunAllNamesWorksThatAreRefused(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	works := []cloudconvert.Work{
		textWork("option.txt", "x", "", cloudconvert.WithInlineLimit(-1)),
		{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("format.txt", []byte("x")), cloudconvert.Convert{})},
		{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("extension", []byte("x")), cloudconvert.Convert{OutputFormat: "pdf"})},
		textWork("format.txt", "x", filepath.Join(t.TempDir(), "a.doc")),
		textWork("good.txt", "x", ""),
		textWork("good.txt", "x", ""),
		textWork("late.txt", "x", ""),
	}
	var names []string
	for i, result := range runAll(t, server, works, cloudconvert.WithBudget(1)) {
		names = append(names, result.Work.Name)
		assert.Equal(t, i == 4, result.Err == nil, "%v", result.Err)
	}
	assert.Equal(t, []string{"option.txt", "format.txt", "extension", "format.txt", "good.txt", "good.txt"}, names)
}
