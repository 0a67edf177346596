package cloudconvert_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// resume runs a batch with a journal and returns the results by name.
func resume(t *testing.T, server *cloudconverttest.Server, journal string, works iter.Seq[cloudconvert.Work], opts ...cloudconvert.BatchOption) map[string]cloudconvert.Result {
	t.Helper()
	results := map[string]cloudconvert.Result{}
	for result := range server.Client().RunAll(t.Context(), works, append(opts, cloudconvert.WithJournal(journal))...) {
		results[result.Work.Name] = result
	}
	return results
}

// pageWork is a work of a text that has a page for each line.
func pageWork(name, text, dst string) cloudconvert.Work {
	return cloudconvert.Work{
		Name:        name,
		Request:     cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte(text)), cloudconvert.Convert{OutputFormat: "page"}),
		Destination: dst,
	}
}

// hashOf returns the hash by which a journal identifies a work, together with its name.
// It runs the work with a creation that is refused, and reads the journal. The file of
// the work must not exist.
func hashOf(t *testing.T, work cloudconvert.Work) string {
	t.Helper()
	journal := filepath.Join(t.TempDir(), "journal")
	client := testkit.NewClient(t, func(*http.Request) (int, string) { return http.StatusUnprocessableEntity, `{}` })
	for result := range client.RunAll(t.Context(), onlyWork(work), cloudconvert.WithJournal(journal)) {
		require.ErrorIs(t, result.Err, cloudconvert.ErrInvalid)
	}
	notes := notesIn(t, journal)
	require.NotEmpty(t, notes)
	require.NotEmpty(t, notes[0].Work)
	return notes[0].Work
}

// firstOf returns the first of several works.
func firstOf(works iter.Seq[cloudconvert.Work]) cloudconvert.Work { return slices.Collect(works)[0] }

// note is an entry of a journal.
type note struct {
	Key   string   `json:"key"`
	Work  string   `json:"work,omitempty"`
	Tag   string   `json:"tag,omitempty"`
	Files []string `json:"files,omitempty"`
	Sizes []int64  `json:"sizes,omitempty"`
	Done  bool     `json:"done,omitempty"`
}

// writeJournal writes a journal and returns its path.
func writeJournal(t *testing.T, notes ...note) string {
	t.Helper()
	var lines strings.Builder
	for _, n := range notes {
		line, err := json.Marshal(n)
		require.NoError(t, err)
		lines.Write(append(line, '\n'))
	}
	return testkit.WriteFile(t, filepath.Join(t.TempDir(), "journal"), lines.String())
}

// notesIn reads a journal.
func notesIn(t *testing.T, journal string) []note {
	t.Helper()
	var notes []note
	for line := range strings.Lines(testkit.ReadFile(t, journal)) {
		var n note
		require.NoError(t, json.Unmarshal([]byte(line), &n), line)
		notes = append(notes, n)
	}
	return notes
}

func TestJournalSkipsDoneWorks(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
	first := resume(t, server, journal, testkit.TextWorks(10, dir))
	for _, result := range first {
		require.NoError(t, result.Err)
	}
	before := len(server.Requests())
	again := resume(t, server, journal, testkit.TextWorks(12, dir))
	require.Len(t, again, 12)
	for key, result := range again {
		require.NoError(t, result.Err)
		assert.Equal(t, []string{result.Work.Destination}, result.Files)
		assert.Equal(t, key == "10" || key == "11", result.Job != nil)
	}
	assert.InDelta(t, before+2*2, len(testkit.Outline(server)), 1, "one of them may find out about limits")
	assert.Equal(t, 12, testkit.JobCount(server))
	info, err := os.Stat(journal)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
}

func TestJournalSkipsDoneWorksWithoutFiles(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	journal := filepath.Join(t.TempDir(), "journal")
	work := onlyWork(testkit.TextWork("a.txt", "x", ""))
	for range 2 {
		require.NoError(t, resume(t, server, journal, work)["a.txt"].Err)
	}
	assert.Equal(t, 1, testkit.JobCount(server))
}

// An output file that no longer exists is made again, from the source as it is now.
func TestJournalRedoesWorksWhoseFilesAreGone(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
	resume(t, server, journal, testkit.TextWorks(3, dir))
	require.NoError(t, os.Remove(filepath.Join(dir, "1.pdf")))
	resume(t, server, journal, testkit.TextWorks(3, dir))
	assert.Equal(t, "pdf: text 1", testkit.ReadFile(t, filepath.Join(dir, "1.pdf")))
	assert.Equal(t, 4, testkit.JobCount(server))
}

// The next run continues with the jobs of a cancelled run, and does not create them again.
func TestJournalAfterCancellation(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
				ctx, cancel := context.WithTimeout(t.Context(), 11*time.Second)
				defer cancel()
				good := 0
				for result := range server.Client().RunAll(ctx, testkit.TextWorks(10, dir), cloudconvert.WithConcurrency(3),
					cloudconvert.WithJournal(journal), cloudconvert.WithInlineLimit(limit), cloudconvert.WithDelete()) {
					if result.Err == nil {
						good++
					}
				}
				assert.Equal(t, 3, good)
				assert.Equal(t, 3, testkit.JobCount(server), "those in the middle; the finished ones are deleted")
				require.NoError(t, server.WaitIdle(t.Context()))
				running := server.Jobs()
				for _, result := range resume(t, server, journal, testkit.TextWorks(10, dir)) {
					require.NoError(t, result.Err)
				}
				assert.Len(t, testkit.Listed(t, dir), 10)
				assert.Equal(t, 7, testkit.JobCount(server))
				assert.Equal(t, running[0].ID, server.Jobs()[0].ID)
			}, cloudconverttest.WithTaskDuration(3*time.Second))
		})
	}
}

// leaveJob creates a job as an earlier run may have left it, and returns its tag.
func leaveJob(t *testing.T, server *cloudconverttest.Server, source cloudconvert.TaskRequest, format string) (tag string, job *cloudconvert.Job) {
	t.Helper()
	tag = "left-" + strconv.Itoa(len(server.Jobs()))
	job, err := server.Client().Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tag: tag, Tasks: cloudconvert.Tasks{
		"source":         source,
		"convert":        cloudconvert.Convert{Input: []string{"source"}, OutputFormat: format},
		"export-convert": cloudconvert.ExportURL{Input: []string{"convert"}},
	}})
	require.NoError(t, err)
	return tag, job
}

func TestJournalAdoptsJobs(t *testing.T) {
	t.Parallel()
	inlined := cloudconvert.ImportRaw{File: "earlier", Filename: "a.txt"}
	for name, c := range map[string]struct {
		source  cloudconvert.TaskRequest
		format  string
		prepare func(t *testing.T, server *cloudconverttest.Server, job *cloudconvert.Job)
		jobs    int
		want    string
	}{
		"waits for its upload": {source: cloudconvert.ImportUpload{}, format: "pdf", jobs: 1, want: "pdf: text 0"},
		"was uploaded to": {
			source: cloudconvert.ImportUpload{}, format: "pdf", jobs: 1, want: "pdf: earlier",
			prepare: func(t *testing.T, server *cloudconverttest.Server, job *cloudconvert.Job) {
				t.Helper()
				task, _ := job.Task("source")
				require.NoError(t, server.Client().Tasks.Upload(t.Context(), task, cloudconvert.FromBytes("a.txt", []byte("earlier"))))
			},
		},
		"runs": {source: inlined, format: "pdf", jobs: 1, want: "pdf: earlier"},
		"has ended": {
			source: inlined, format: "pdf", jobs: 1, want: "pdf: earlier",
			prepare: func(t *testing.T, server *cloudconverttest.Server, _ *cloudconvert.Job) {
				t.Helper()
				require.NoError(t, server.WaitIdle(t.Context()))
			},
		},
		"failed": {
			source: inlined, format: "bad", jobs: 2, want: "pdf: text 0",
			prepare: func(t *testing.T, server *cloudconverttest.Server, _ *cloudconvert.Job) {
				t.Helper()
				require.NoError(t, server.WaitIdle(t.Context()))
			},
		},
		"is gone": {
			source: inlined, format: "pdf", jobs: 1, want: "pdf: text 0",
			prepare: func(t *testing.T, server *cloudconverttest.Server, job *cloudconvert.Job) {
				t.Helper()
				require.NoError(t, server.Client().Jobs.Delete(t.Context(), job.ID))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				tag, job := leaveJob(t, server, c.source, c.format)
				if c.prepare != nil {
					c.prepare(t, server, job)
				}
				dir := t.TempDir()
				hash := hashOf(t, firstOf(testkit.TextWorks(1, dir)))
				journal := writeJournal(t, note{Key: "0", Work: hash, Tag: tag})
				require.NoError(t, resume(t, server, journal, testkit.TextWorks(1, dir))["0"].Err)
				assert.Equal(t, c.want, testkit.ReadFile(t, filepath.Join(dir, "0.pdf")))
				assert.Equal(t, c.jobs, testkit.JobCount(server))
				notes := notesIn(t, journal)
				assert.Equal(t, note{Key: "0", Work: hash, Files: []string{filepath.Join(dir, "0.pdf")}, Done: true}, notes[len(notes)-1])
			}, cloudconverttest.WithTaskDuration(5*time.Second), cloudconverttest.WithUploadSettle(3*time.Second))
		})
	}
}

// A job that cannot be looked for is neither forgotten nor created again.
func TestJournalKeepsJobsItCannotFind(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		tag, _ := leaveJob(t, server, cloudconvert.ImportRaw{File: "earlier", Filename: "a.txt"}, "pdf")
		dir := t.TempDir()
		journal := writeJournal(t, note{Key: "0", Work: hashOf(t, firstOf(testkit.TextWorks(1, dir))), Tag: tag})
		server.Inject(cloudconverttest.Fault{Method: http.MethodGet, Path: "/v2/jobs"})
		require.ErrorIs(t, resume(t, server, journal, testkit.TextWorks(1, dir))["0"].Err, cloudconvert.ErrServer)
		server.ClearFaults()
		require.NoError(t, resume(t, server, journal, testkit.TextWorks(1, dir))["0"].Err)
		assert.Equal(t, "pdf: earlier", testkit.ReadFile(t, filepath.Join(dir, "0.pdf")))
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

// The run may have ended while it wrote its files, which appear whole.
func TestJournalWhileSaving(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		there    []string // files
		requests bool
		want     map[string]string
	}{
		"nothing written":    {nil, true, map[string]string{"0-1.page": "1", "0-2.page": "2"}},
		"partly written":     {[]string{"0-2.page"}, true, map[string]string{"0-1.page": "1", "0-2.page": "2"}},
		"everything written": {[]string{"0-1.page", "0-2.page"}, false, map[string]string{"0-1.page": "before", "0-2.page": "before"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				dir := t.TempDir()
				tag, _ := leaveJob(t, server, cloudconvert.ImportRaw{File: "1\n2", Filename: "a.txt"}, "page")
				require.NoError(t, server.WaitIdle(t.Context()))
				work := pageWork("0", "x", filepath.Join(dir, "0.page"))
				hash := hashOf(t, work)
				journal := writeJournal(t, note{Key: "0", Work: hash, Tag: tag}, note{
					Key: "0", Work: hash, Tag: tag, Files: []string{filepath.Join(dir, "0-1.page"), filepath.Join(dir, "0-2.page")},
				})
				for _, name := range c.there {
					testkit.WriteFile(t, filepath.Join(dir, name), "before")
				}
				before := len(server.Requests())
				result := resume(t, server, journal, onlyWork(work))["0"]
				require.NoError(t, result.Err)
				assert.Len(t, result.Files, 2)
				got := map[string]string{}
				for _, name := range testkit.Listed(t, dir) {
					got[name] = testkit.ReadFile(t, filepath.Join(dir, name))
				}
				assert.Equal(t, c.want, got)
				assert.Equal(t, c.requests, len(server.Requests()) > before)
				assert.Equal(t, 1, testkit.JobCount(server))
			})
		})
	}
}

// A file that this package did not write is not taken for the output of a job.
func TestJournalLeavesFilesOfOthers(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		tag, _ := leaveJob(t, server, cloudconvert.ImportRaw{File: "earlier", Filename: "a.txt"}, "pdf")
		dir := t.TempDir()
		journal := writeJournal(t, note{Key: "0", Work: hashOf(t, firstOf(testkit.TextWorks(1, dir))), Tag: tag})
		dst := testkit.WriteFile(t, filepath.Join(dir, "0.pdf"), "mine")
		require.ErrorIs(t, resume(t, server, journal, testkit.TextWorks(1, dir))["0"].Err, os.ErrExist)
		assert.Equal(t, "mine", testkit.ReadFile(t, dst))
		require.NoError(t, os.Remove(dst))
		require.NoError(t, resume(t, server, journal, testkit.TextWorks(1, dir))["0"].Err)
		assert.Equal(t, "pdf: earlier", testkit.ReadFile(t, dst))
	})
}

// What an earlier run was about to write may be replaced, and nothing else: not a file
// at another path, and not one of another size at the same path.
func TestJournalReplacesOnlyItsOwnFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		announced string
		size      int64
		there     string
		want      string // empty means that the file is left, with an error
	}{
		"another path":               {"other.pdf", 0, "mine", ""},
		"another size":               {"0.pdf", 12, "mine", ""},
		"the same":                   {"0.pdf", 12, "pdf: earlier", "pdf: earlier"},
		"the same, size unknown":     {"0.pdf", 0, "some content", "some content"},
		"nothing there, size known":  {"0.pdf", 12, "", "pdf: earlier"},
		"nothing there, other names": {"other.pdf", 12, "", "pdf: earlier"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				tag, _ := leaveJob(t, server, cloudconvert.ImportRaw{File: "earlier", Filename: "a.txt"}, "pdf")
				require.NoError(t, server.WaitIdle(t.Context()))
				dir := t.TempDir()
				hash := hashOf(t, firstOf(testkit.TextWorks(1, dir)))
				dst := filepath.Join(dir, "0.pdf")
				if c.there != "" {
					testkit.WriteFile(t, dst, c.there)
				}
				journal := writeJournal(t, note{
					Key: "0", Work: hash, Tag: tag,
					Files: []string{filepath.Join(dir, c.announced)}, Sizes: []int64{c.size},
				})
				for range 2 {
					result := resume(t, server, journal, testkit.TextWorks(1, dir))["0"]
					if c.want == "" {
						require.ErrorIs(t, result.Err, fs.ErrExist)
						assert.Equal(t, c.there, testkit.ReadFile(t, dst))
						continue
					}
					require.NoError(t, result.Err)
					assert.Equal(t, c.want, testkit.ReadFile(t, dst))
				}
				assert.Equal(t, 1, testkit.JobCount(server))
			})
		})
	}
}

// A file that appears in the meantime is not taken for the output
// either, and does not cause a second job.
func TestJournalAfterFailedSave(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
		dst := filepath.Join(dir, "0.pdf")
		server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
			return errors.Join(os.WriteFile(dst, []byte("mine"), 0o600), run.Write("0.pdf", []byte("made")))
		})
		for range 2 {
			require.ErrorIs(t, resume(t, server, journal, testkit.TextWorks(1, dir), cloudconvert.WithDelete())["0"].Err, os.ErrExist)
			assert.Equal(t, "mine", testkit.ReadFile(t, dst))
		}
		require.NoError(t, os.Remove(dst))
		require.NoError(t, resume(t, server, journal, testkit.TextWorks(1, dir))["0"].Err)
		assert.Equal(t, "made", testkit.ReadFile(t, dst))
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

// Works that failed are retried, without looking for their jobs.
func TestJournalRetriesFailures(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
	work := cloudconvert.Work{
		Request:     cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("x")), cloudconvert.Convert{OutputFormat: "bad"}),
		Destination: filepath.Join(dir, "0.bad"),
	}
	for n := range 3 {
		result := resume(t, server, journal, onlyWork(work))["a.txt"]
		require.ErrorIs(t, result.Err, cloudconvert.ErrJobFailed)
		assert.Equal(t, n+1, testkit.JobCount(server))
	}
	once := []string{"POST api", "GET sync"}
	assert.Equal(t, slices.Repeat(once, 3), testkit.Outline(server))
}

// The outcome of a creation may be unknown: the next run finds the job, or
// creates one.
func TestJournalOfUnknownOutcomes(t *testing.T) {
	t.Parallel()
	for name, phase := range map[string]cloudconverttest.Phase{"not created": cloudconverttest.Before, "created": cloudconverttest.After} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
				server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Path: "/v2/jobs", Phase: phase, Kind: cloudconverttest.Reset})
				server.Inject(cloudconverttest.Fault{Method: http.MethodGet, Path: "/v2/jobs"})
				for _, result := range resume(t, server, journal, testkit.TextWorks(10, dir)) {
					require.ErrorIs(t, result.Err, cloudconvert.ErrOutcomeUnknown)
					assert.Contains(t, result.Err.Error(), "the next run with this journal looks for the tag")
					assert.NotContains(t, result.Err.Error(), "before you create another")
				}
				server.ClearFaults()
				for _, result := range resume(t, server, journal, testkit.TextWorks(10, dir)) {
					require.NoError(t, result.Err)
				}
				assert.Len(t, testkit.Listed(t, dir), 10)
				assert.Equal(t, 10, testkit.JobCount(server))
			})
		})
	}
}

// Invalid lines are ignored, and the last entry of a key counts.
func TestJournalIsTolerant(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	done := func(key string) string {
		line, err := json.Marshal(note{Key: key, Files: []string{testkit.WriteFile(t, filepath.Join(dir, key+".pdf"), "before")}, Done: true})
		require.NoError(t, err)
		return string(line)
	}
	zero, one := done("0"), done("1")
	for name, c := range map[string]struct {
		journal string
		skipped []string
	}{
		"empty":               {"", nil},
		"plain":               {zero + "\n" + one + "\n", []string{"0", "1"}},
		"no last line break":  {zero + "\n" + one, []string{"0", "1"}},
		"truncated":           {zero + "\n" + one[:len(one)-5], []string{"0"}},
		"truncated early":     {zero + "\n" + `{`, []string{"0"}},
		"garbage":             {"\x00\xff\n" + zero + "\nnot json\n[]\nnull\n{}\n\n" + one + "\n", []string{"0", "1"}},
		"odd types":           {`{"key":1}` + "\n" + `{"key":"1","done":"yes"}` + "\n" + zero + "\n", []string{"0"}},
		"more than is known":  {`{"extra":[{}],` + zero[1:] + "\n", []string{"0"}},
		"carriage returns":    {zero + "\r\n" + one + "\r\n", []string{"0", "1"}},
		"done after begun":    {`{"key":"0","tag":"t"}` + "\n" + zero + "\n", []string{"0"}},
		"begun after done":    {zero + "\n" + `{"key":"0","tag":"t"}` + "\n", nil},
		"forgotten":           {zero + "\n" + `{"key":"0"}` + "\n", nil},
		"very long":           {`{"key":"` + strings.Repeat("x", 1<<20) + `"}` + "\n" + zero, []string{"0"}},
		"done, but not there": {`{"key":"0","files":["` + dir + `/gone"],"done":true}` + "\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				out := t.TempDir()
				text := c.journal
				for work := range testkit.TextWorks(2, out) {
					key := fmt.Sprintf(`"key":%q`, work.Name)
					text = strings.ReplaceAll(text, key, fmt.Sprintf(`%s,"work":%q`, key, hashOf(t, work)))
				}
				journal := testkit.WriteFile(t, filepath.Join(t.TempDir(), "journal"), text)
				for range 2 {
					for key, result := range resume(t, server, journal, testkit.TextWorks(2, out)) {
						require.NoError(t, result.Err)
						if slices.Contains(c.skipped, key) {
							assert.Equal(t, []string{filepath.Join(dir, key+".pdf")}, result.Files)
						}
					}
				}
				assert.Equal(t, 2-len(c.skipped), testkit.JobCount(server), "and what is written after it is read")
			})
		})
	}
}

func TestJournalRefusesWhatIsNotAFile(t *testing.T) {
	t.Parallel()
	for name, journal := range map[string]string{"directory": t.TempDir(), "device": os.DevNull} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			results := resume(t, server, journal, testkit.TextWorks(2, t.TempDir()))
			require.Len(t, results, 1)
			require.ErrorContains(t, results[""].Err, "journal")
			assert.Empty(t, server.Requests())
		})
	}
}

// Two runs at the same time would each create the jobs of the other.
func TestJournalOfAnotherRun(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	journal := filepath.Join(dir, "journal")
	first := true
	// With a concurrency of one, the first result comes long before the end of the run.
	for result := range server.Client().RunAll(t.Context(), testkit.TextWorks(3, dir), cloudconvert.WithJournal(journal), cloudconvert.WithConcurrency(1)) {
		require.NoError(t, result.Err)
		if first {
			others := resume(t, server, journal, testkit.TextWorks(3, t.TempDir()))
			require.Len(t, others, 1)
			require.ErrorContains(t, others[""].Err, fmt.Sprintf("another run is using the journal %q", journal))
		}
		first = false
	}
	assert.Equal(t, 3, testkit.JobCount(server))
	for key, result := range resume(t, server, journal, testkit.TextWorks(3, dir)) {
		require.NoError(t, result.Err, key)
	}
	assert.Equal(t, 3, testkit.JobCount(server))
}

// The same file by another name is the same journal.
func TestJournalOfAnotherRunByAnotherName(t *testing.T) {
	t.Parallel()
	for name, linked := range map[string]func(from, to string) error{"symbolic link": os.Symlink, "hard link": os.Link} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "hard link" && runtime.GOOS == "windows" {
				t.Skip("a file that is locked cannot be read there")
			}
			server := testkit.NewSandbox(t)
			dir := t.TempDir()
			journal, link := testkit.WriteFile(t, filepath.Join(dir, "journal"), ""), filepath.Join(dir, "link")
			require.NoError(t, linked(journal, link))
			first := true
			for result := range server.Client().RunAll(t.Context(), testkit.TextWorks(3, dir), cloudconvert.WithJournal(link), cloudconvert.WithConcurrency(1)) {
				require.NoError(t, result.Err)
				if first {
					require.ErrorContains(t, resume(t, server, journal, testkit.TextWorks(3, t.TempDir()))[""].Err, "another run")
				}
				first = false
			}
			assert.Equal(t, 3, testkit.JobCount(server))
			require.NoError(t, resume(t, server, journal, testkit.TextWorks(1, dir))["0"].Err, "the other run has ended")
		})
	}
}

// A file that was named by mistake is not changed.
func TestJournalRefusesForeignFile(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	for _, text := range []string{"Dear diary,\nall is well", "{\n  \"name\": \"app\"\n}\n", `{"name": "app"}`, "{}", "{ "} {
		file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "file"), text)
		require.ErrorContains(t, resume(t, server, file, testkit.TextWorks(2, t.TempDir()))[""].Err, "is not a journal", text)
		assert.Equal(t, text, testkit.ReadFile(t, file))
	}
	assert.Empty(t, server.Requests())
}

// One of several outputs is gone, and another would be overwritten:
// this is an error before the job is paid for.
func TestJournalChecksFilesBeforeItRedoesAWork(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
	works := onlyWork(pageWork("0", "1\n2", filepath.Join(dir, "0.page")))
	require.NoError(t, resume(t, server, journal, works)["0"].Err)
	require.NoError(t, os.Remove(filepath.Join(dir, "0-1.page")))
	for range 2 {
		require.ErrorIs(t, resume(t, server, journal, works)["0"].Err, fs.ErrExist)
		assert.Equal(t, 1, testkit.JobCount(server))
	}
	require.NoError(t, resume(t, server, journal, works, cloudconvert.WithOverwrite())["0"].Err)
	assert.Equal(t, []string{"0-1.page", "0-2.page"}, testkit.Listed(t, dir))
	assert.Equal(t, 2, testkit.JobCount(server))
}

// A work is identified by its name, its tasks and its destination. With other tasks or
// another destination it is another work, and the journal keeps the entries of both.
func TestJournalDistinguishesWorksOfOneName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	first := pageWork("k", "1\n2", at("0.page"))
	for name, other := range map[string]cloudconvert.Work{
		"destination":    pageWork("k", "1\n2", at("1.page")),
		"no destination": pageWork("k", "1\n2", ""),
		"directory":      pageWork("k", "1\n2", at("new")+"/"),
		"source": {Name: "k", Destination: at("2.page"), Request: cloudconvert.Pipeline(
			cloudconvert.FromBytes("b.txt", []byte("1\n2")), cloudconvert.Convert{OutputFormat: "page"})},
		"options": {Name: "k", Destination: at("3.page"), Request: cloudconvert.Pipeline(
			cloudconvert.FromBytes("a.txt", []byte("1\n2")), cloudconvert.Convert{OutputFormat: "page", Options: cloudconvert.Options{"pages": "1"}})},
		"tasks": {Name: "k", Destination: at("4.page"), Request: cloudconvert.Pipeline(
			cloudconvert.FromBytes("a.txt", []byte("1\n2")), cloudconvert.Convert{OutputFormat: "page"}, cloudconvert.ExportURL{})},
	} {
		assert.NotEqual(t, hashOf(t, first), hashOf(t, other), name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			journal := filepath.Join(t.TempDir(), "journal")
			first := first
			first.Destination = filepath.Join(t.TempDir(), "0.page")
			for range 2 {
				for _, work := range []cloudconvert.Work{first, other} {
					result := resume(t, server, journal, onlyWork(work))["k"]
					require.NoError(t, result.Err)
					for _, file := range result.Files {
						assert.FileExists(t, file)
					}
				}
			}
			assert.Equal(t, 2, testkit.JobCount(server), "each has one job")
		})
	}
}

// The content of sources is not compared.
func TestJournalKnowsAWorkWhoseSourceHasChanged(t *testing.T) {
	t.Parallel()
	dst := filepath.Join(t.TempDir(), "a.pdf")
	assert.Equal(t, hashOf(t, testkit.TextWork("a.txt", "1", dst)), hashOf(t, testkit.TextWork("a.txt", "2", dst)))
}

// Files that an earlier run has written elsewhere do not matter.
func TestJournalOfAnotherDestination(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	before, after, journal := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "journal")
	work := pageWork("0", "1\n2", filepath.Join(before, "0.page"))
	require.NoError(t, resume(t, server, journal, onlyWork(work))["0"].Err)
	require.NoError(t, os.Remove(filepath.Join(before, "0-1.page")))
	work.Destination = filepath.Join(after, "0.page")
	require.NoError(t, resume(t, server, journal, onlyWork(work))["0"].Err)
	assert.Equal(t, []string{"0-2.page"}, testkit.Listed(t, before))
	assert.Equal(t, []string{"0-1.page", "0-2.page"}, testkit.Listed(t, after))
}

// A person begins a batch, and a daemon continues it in another working directory.
func TestJournalOfAnotherWorkingDirectory(t *testing.T) {
	base := t.TempDir()
	testkit.WriteFile(t, filepath.Join(base, "a.txt"), "another file")
	testkit.WriteFile(t, filepath.Join(base, "real", "a.txt"), "text")
	require.NoError(t, os.Mkdir(filepath.Join(base, "real", "sub"), 0o700))
	require.NoError(t, os.Symlink("real", filepath.Join(base, "link")))
	for _, destination := range []string{"", "b.pdf", "out/"} {
		t.Run(destination, func(t *testing.T) {
			server := testkit.NewSandbox(t)
			convert := func(wd, dir string) cloudconvert.Result {
				t.Chdir(filepath.Join(base, wd))
				work := cloudconvert.Work{
					Request:     cloudconvert.Pipeline(cloudconvert.FromFile(dir+"a.txt"), cloudconvert.Convert{OutputFormat: "pdf"}),
					Destination: destination,
				}
				results := resume(t, server, filepath.Join(base, "journal of "+filepath.Base(destination)), onlyWork(work),
					cloudconvert.WithOutputDir(cmp.Or(dir, ".")))
				return results[dir+"a.txt"]
			}
			first := convert(".", "real/")
			require.NoError(t, first.Err)
			for wd, dirs := range map[string][]string{
				".": {"./real/", "link/", "real/sub/../", "link/sub/../"}, "real": {"", "../link/"}, "link": {""}, "real/sub": {"../"},
			} {
				for _, dir := range append(dirs, base+"/real/", base+"/link/") {
					result := convert(wd, dir)
					require.NoError(t, result.Err, "%s in %s", dir, wd)
					assert.Equal(t, first.Files, result.Files)
				}
			}
			assert.Equal(t, 1, testkit.JobCount(server))
			require.NoError(t, convert("real", "sub/../../").Err)
			assert.Equal(t, 2, testkit.JobCount(server), "the other file")
		})
	}
}

// The name of a working directory may be one that the journal cannot hold.
func TestJournalInDirectoryThatIsNotUTF8(t *testing.T) {
	dir := t.TempDir() + "/caf\xe9"
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Skip("the file system takes only UTF-8 names")
	}
	t.Chdir(dir)
	server := testkit.NewSandbox(t)
	testkit.WriteFile(t, "a.txt", "text")
	for range 2 {
		for i, destination := range []string{"", "b.pdf", "out/"} {
			work := cloudconvert.Work{
				Request:     cloudconvert.Pipeline(cloudconvert.FromFile("a.txt"), cloudconvert.Convert{OutputFormat: "pdf"}),
				Destination: destination,
			}
			for _, result := range resume(t, server, fmt.Sprint("journal", i), onlyWork(work)) {
				require.NoError(t, result.Err, destination)
			}
		}
	}
	assert.Equal(t, 3, testkit.JobCount(server))
}

// A job that another work of the same name has left is not taken, and is still there
// for that work.
func TestJournalAdoptsOnlyTheJobOfTheSameWork(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir := t.TempDir()
		tag, _ := leaveJob(t, server, cloudconvert.ImportRaw{File: "earlier", Filename: "a.txt"}, "pdf")
		first, other := testkit.TextWork("a.txt", "now", filepath.Join(dir, "a.pdf")), testkit.TextWork("a.txt", "now", filepath.Join(dir, "b.pdf"))
		journal := writeJournal(t, note{Key: "a.txt", Work: hashOf(t, first), Tag: tag})
		require.NoError(t, resume(t, server, journal, onlyWork(other))["a.txt"].Err)
		require.NoError(t, resume(t, server, journal, onlyWork(first))["a.txt"].Err)
		assert.Equal(t, "pdf: now", testkit.ReadFile(t, other.Destination))
		assert.Equal(t, "pdf: earlier", testkit.ReadFile(t, first.Destination))
		assert.Equal(t, 2, testkit.JobCount(server))
	})
}

// After an interrupted run, the next one replaces the files of that entry, and no others.
func TestJournalWhileSavingReplacesOnlyItsOwnFiles(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir := t.TempDir()
		at := func(name string) string { return filepath.Join(dir, name) }
		tag, _ := leaveJob(t, server, cloudconvert.ImportRaw{File: "1\n2\n3", Filename: "a.txt"}, "page")
		work := pageWork("k", "x", at("p.page"))
		journal := writeJournal(t, note{Key: "k", Work: hashOf(t, work), Tag: tag, Files: []string{at("p-1.page"), at("p-2.page"), at("gone.page")}})
		testkit.WriteFile(t, at("p-1.page"), "half of the run before")
		testkit.WriteFile(t, at("p-3.page"), "mine")
		require.ErrorIs(t, resume(t, server, journal, onlyWork(work))["k"].Err, fs.ErrExist)
		assert.Equal(t, "mine", testkit.ReadFile(t, at("p-3.page")))
		require.NoError(t, os.Remove(at("p-3.page")))
		require.NoError(t, os.Remove(at("p-1.page")))
		require.NoError(t, resume(t, server, journal, onlyWork(work))["k"].Err)
		assert.Equal(t, "1", testkit.ReadFile(t, at("p-1.page")))
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

// The single file that an interrupted run wrote may be replaced, even without
// WithOverwrite.
func TestJournalReplacesTheFileOfAJobThatIsGone(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir := t.TempDir()
		work := testkit.TextWork("a.txt", "now", filepath.Join(dir, "a.pdf"))
		journal := writeJournal(t, note{Key: "a.txt", Work: hashOf(t, work), Tag: "gone", Files: []string{work.Destination, filepath.Join(dir, "b.pdf")}})
		testkit.WriteFile(t, work.Destination, "half of the run before")
		require.NoError(t, resume(t, server, journal, onlyWork(work))["a.txt"].Err)
		assert.Equal(t, "pdf: now", testkit.ReadFile(t, work.Destination))
	})
}

// With WithOverwrite, the files that an interrupted run was about to write may be those
// of another program.
func TestJournalReplacesNothingOfARunThatOverwrites(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
	testkit.WriteFile(t, filepath.Join(dir, "0.pdf"), "mine")
	require.NoError(t, resume(t, server, journal, testkit.TextWorks(1, dir), cloudconvert.WithOverwrite())["0"].Err)
	assert.Equal(t, "pdf: text 0", testkit.ReadFile(t, filepath.Join(dir, "0.pdf")))
	for _, n := range notesIn(t, journal) {
		assert.Equal(t, n.Done, len(n.Files) > 0, "files are noted only when they are written")
	}
}

func TestJournalRefusesTags(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	work := testkit.TextWork("a.txt", "x", filepath.Join(t.TempDir(), "a.pdf"))
	work.Request.Tag = "mine"
	result := resume(t, server, filepath.Join(t.TempDir(), "journal"), onlyWork(work))["a.txt"]
	require.ErrorIs(t, result.Err, cloudconvert.ErrInvalid)
	assert.Empty(t, server.Requests())
}

// A journal is text.
func TestJournalRefusesWhatItCannotHold(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	named := testkit.TextWork("a.txt", "x", "")
	named.Name = "caf\xe9"
	for _, work := range []cloudconvert.Work{named, testkit.TextWork("a.txt", "x", t.TempDir()+"/caf\xe9.pdf")} {
		for _, result := range resume(t, server, filepath.Join(t.TempDir(), "journal"), onlyWork(work)) {
			require.ErrorIs(t, result.Err, cloudconvert.ErrInvalid)
			require.ErrorContains(t, result.Err, "not UTF-8")
		}
	}
	assert.Empty(t, server.Requests())
}

// The environment variables with which a test runs a part of itself in a process
// that it can kill.
const (
	childURL  = "CLOUDCONVERT_TEST_URL"
	childSync = "CLOUDCONVERT_TEST_SYNC_URL"
	childKey  = "CLOUDCONVERT_TEST_KEY"
	childDir  = "CLOUDCONVERT_TEST_DIR"
)

// killedWorks returns the works of the child process: every other one is uploaded.
func killedWorks(n int, dir string) iter.Seq[cloudconvert.Work] {
	return func(yield func(cloudconvert.Work) bool) {
		for i := range n {
			work := testkit.TextWork(fmt.Sprint(i, ".txt"), killedText(i), filepath.Join(dir, fmt.Sprint(i, ".pdf")),
				cloudconvert.WithInlineLimit(int64(i%2)<<20))
			if !yield(work) {
				return
			}
		}
	}
}

// killedText returns a text that is long enough for a file to be half written.
func killedText(n int) string { return fmt.Sprint("text ", n, testkit.Content(100<<10)) }

const killedCount = 60

// TestJournalChild is the child process of other tests.
func TestJournalChild(t *testing.T) {
	t.Parallel()
	if os.Getenv(childURL) == "" {
		t.Skip("runs as a child of TestJournalAfterKill")
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := cloudconvert.NewClient(os.Getenv(childKey),
		cloudconvert.WithBaseURLs(os.Getenv(childURL), os.Getenv(childSync)),
		cloudconvert.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	dir := os.Getenv(childDir)
	for result := range client.RunAll(t.Context(), killedWorks(killedCount, filepath.Join(dir, "out")),
		cloudconvert.WithJournal(filepath.Join(dir, "journal"))) {
		assert.NoError(t, result.Err)
	}
}

// However often the process is killed, in the end each work has
// its file, and one job.
func TestJournalAfterKill(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t, cloudconverttest.WithTaskDuration(3*time.Millisecond))
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	require.NoError(t, os.Mkdir(out, 0o700))
	kills := 0
	for runChild(t, server, dir, len(server.Requests())+11+12*kills) {
		kills++
		require.Less(t, kills, 100)
		ageJournal(t, filepath.Join(dir, "journal"))
	}
	assert.Greater(t, kills, 3)
	whole := 0
	for _, name := range testkit.Listed(t, out) {
		stem, isOutput := strings.CutSuffix(name, ".pdf")
		if !isOutput {
			continue // left by a process that was killed while it wrote
		}
		n, err := strconv.Atoi(stem)
		require.NoError(t, err)
		testkit.Same(t, "pdf: "+killedText(n), testkit.ReadFile(t, filepath.Join(out, name)))
		whole++
	}
	assert.Equal(t, killedCount, whole)
	assert.Equal(t, killedCount, testkit.JobCount(server))
	assert.Zero(t, pendingUploads(server))
}

// ageJournal makes a journal older, so that the next run looks for jobs for about
// two seconds: the server takes only milliseconds to create one, and this test runs
// in real time.
func ageJournal(t *testing.T, journal string) {
	t.Helper()
	earlier := time.Now().Add(-39 * time.Second).UTC().Format(time.RFC3339)
	testkit.WriteFile(t, journal, regexp.MustCompile(`"begun":"[^"]+"`).ReplaceAllString(testkit.ReadFile(t, journal), `"begun":"`+earlier+`"`))
}

// runChild converts in a child process, kills it when the server has had
// the given number of requests, and reports whether it was killed.
func runChild(t *testing.T, server *cloudconverttest.Server, dir string, requests int) (killed bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestJournalChild$")
	child.Env = append(os.Environ(),
		childURL+"="+server.URL, childSync+"="+server.SyncURL, childKey+"="+server.Key(), childDir+"="+dir)
	var output strings.Builder
	child.Stdout, child.Stderr = &output, &output
	require.NoError(t, child.Start())
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			require.NoError(t, err, output.String())
			return false
		case <-ticker.C:
		}
		if len(server.Requests()) >= requests {
			_ = child.Process.Kill() // it may have ended by itself
			return <-ended != nil
		}
	}
}

// A work without a destination is done when its job has ended, and its files stay there.
func TestJournalLeavesFilesInTheJob(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		journal := filepath.Join(t.TempDir(), "journal")
		work := testkit.TextWork("a.txt", "text", "")
		first := resume(t, server, journal, onlyWork(work))["a.txt"]
		require.NoError(t, first.Err)
		assert.Empty(t, first.Files)
		again := resume(t, server, journal, onlyWork(work))["a.txt"]
		require.NoError(t, again.Err)
		assert.Nil(t, again.Job)
		assert.Empty(t, again.Files)
		files, err := server.Client().SaveAs(t.Context(), first.Job, filepath.Join(t.TempDir(), "a.pdf"))
		require.NoError(t, err)
		assert.Len(t, files, 1)
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

// A job that waits for its file is not forgotten while the source cannot be read.
func TestJournalKeepsAJobWithoutItsSource(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir := t.TempDir()
		tag, job := leaveJob(t, server, cloudconvert.ImportUpload{}, "pdf")
		src := filepath.Join(dir, "a.txt")
		work := cloudconvert.Work{
			Name: "k", Destination: filepath.Join(dir, "a.pdf"),
			Request: cloudconvert.Pipeline(cloudconvert.FromFile(src), cloudconvert.Convert{OutputFormat: "pdf"}),
		}
		testkit.WriteFile(t, src, "text")
		path := writeJournal(t, note{Key: "k", Work: hashOf(t, work), Tag: tag})
		require.NoError(t, os.Remove(src))
		require.ErrorIs(t, resume(t, server, path, onlyWork(work))["k"].Err, fs.ErrNotExist)
		testkit.WriteFile(t, src, "text")
		result := resume(t, server, path, onlyWork(work))["k"]
		require.NoError(t, result.Err)
		assert.Equal(t, job.ID, result.Job.ID)
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

// A job that has its file no longer needs the source.
func TestJournalAdoptsAJobWhoseSourceIsGone(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]bool{"runs": false, "has ended": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				tag, _ := leaveJob(t, server, cloudconvert.ImportRaw{File: "earlier", Filename: "a.txt"}, "pdf")
				if ended {
					require.NoError(t, server.WaitIdle(t.Context()))
				}
				src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
				work := cloudconvert.Work{
					Name: "k", Destination: filepath.Join(t.TempDir(), "a.pdf"),
					Request: cloudconvert.Pipeline(cloudconvert.FromFile(src), cloudconvert.Convert{OutputFormat: "pdf"}),
				}
				journal := writeJournal(t, note{Key: "k", Work: hashOf(t, work), Tag: tag})
				require.NoError(t, os.Remove(src))
				require.NoError(t, resume(t, server, journal, onlyWork(work))["k"].Err)
				assert.Equal(t, "pdf: earlier", testkit.ReadFile(t, work.Destination))
				assert.Equal(t, 1, testkit.JobCount(server))
			}, cloudconverttest.WithTaskDuration(5*time.Second))
		})
	}
}

// Files of the user that numbered outputs would replace are never taken for
// those of an earlier run.
func TestJournalLeavesNumberedFilesAlone(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir := t.TempDir()
		mine := testkit.WriteFile(t, filepath.Join(dir, "p-1.page"), "mine")
		path := filepath.Join(dir, "journal")
		for range 2 {
			require.ErrorIs(t, resume(t, server, path, onlyWork(pageWork("k", "1\n2", filepath.Join(dir, "p.page"))))["k"].Err, fs.ErrExist)
			assert.Equal(t, "mine", testkit.ReadFile(t, mine))
			assert.NotContains(t, testkit.ReadFile(t, path), "files", "nothing is announced")
		}
	})
}

// A presigned URL differs in each run. Without a Name, works with other
// queries have different names.
func TestJournalKnowsAPresignedURL(t *testing.T) {
	t.Parallel()
	signed := func(url string) cloudconvert.Work {
		return cloudconvert.Work{
			Name:    "report",
			Request: cloudconvert.Pipeline(cloudconvert.FromURL(url), cloudconvert.Convert{OutputFormat: "pdf"}),
		}
	}
	first := hashOf(t, signed("https://a.example/report.docx?X-Amz-Signature=1"))
	assert.Equal(t, first, hashOf(t, signed("https://a.example/report.docx?X-Amz-Signature=2")))
	assert.NotEqual(t, first, hashOf(t, signed("https://a.example/other.docx?X-Amz-Signature=1")))
}

func TestJournalTakesPathsThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	path := t.TempDir() + "/caf\xe9.txt"
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Skip("the file system takes only UTF-8 names")
	}
	work := testkit.TextWork("a.txt", "x", "")
	work.Name = "coffee"
	work.Request = cloudconvert.Pipeline(cloudconvert.FromFile(path).WithName("coffee.txt"), cloudconvert.Convert{OutputFormat: "pdf"})
	for _, result := range resume(t, server, filepath.Join(t.TempDir(), "journal"), onlyWork(work)) {
		require.NoError(t, result.Err)
	}
}
