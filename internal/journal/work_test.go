package journal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/journal"
)

func open(tb testing.TB, path string) *journal.Journal {
	tb.Helper()
	j, err := journal.Open(path)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = j.Close(context.WithoutCancel(tb.Context())) }) // it may be closed already
	return j
}

func workOf(t *testing.T, j *journal.Journal, name, hash string) *journal.Work {
	t.Helper()
	w, err := j.Work(name, hash)
	require.NoError(t, err)
	return &w
}

func earlier(t *testing.T, j *journal.Journal, name, hash string) journal.Entry {
	t.Helper()
	return workOf(t, j, name, hash).Earlier
}

func journalOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestWorkIsRemembered(t *testing.T) {
	t.Parallel()
	present := filepath.Join(t.TempDir(), "present.pdf")
	require.NoError(t, os.WriteFile(present, []byte("12345"), 0o600))
	gone := filepath.Join(t.TempDir(), "gone.pdf")
	for name, c := range map[string]struct {
		record  func(ctx context.Context, w *journal.Work) error
		done    bool
		remains []string
		tag     string
	}{
		"begun": {record: func(ctx context.Context, w *journal.Work) error { return w.Begin(ctx, "t") }, tag: "t"},
		"saved": {
			record: func(ctx context.Context, w *journal.Work) error {
				return w.Saving(ctx, []string{present}, []int64{5})
			},
			done: true, remains: []string{present},
		},
		"saved, size unknown": {
			record: func(ctx context.Context, w *journal.Work) error {
				return w.Saving(ctx, []string{present}, []int64{0})
			},
			done: true, remains: []string{present},
		},
		"saved, another size": {
			record: func(ctx context.Context, w *journal.Work) error {
				return w.Saving(ctx, []string{present}, []int64{6})
			},
		},
		"half saved": {
			record: func(ctx context.Context, w *journal.Work) error {
				return w.Saving(ctx, []string{gone, present}, []int64{5, 5})
			},
			remains: []string{present},
		},
		"done": {
			record: func(ctx context.Context, w *journal.Work) error { return w.Done(ctx, []string{present}) },
			done:   true,
		},
		"done without files": {
			record: func(ctx context.Context, w *journal.Work) error { return w.Done(ctx, nil) },
			done:   true,
		},
		"done, file gone": {record: func(ctx context.Context, w *journal.Work) error { return w.Done(ctx, []string{gone}) }},
		"forgotten": {record: func(ctx context.Context, w *journal.Work) error {
			return errors.Join(w.Begin(ctx, "t"), w.Forget(ctx))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal")
			j := open(t, path)
			w := workOf(t, j, "k", "1")
			assert.True(t, w.IsKept())
			require.NoError(t, c.record(t.Context(), w))
			require.NoError(t, j.Close(t.Context()))
			e := earlier(t, open(t, path), "k", "1")
			assert.Equal(t, c.done, e.IsDone())
			assert.Equal(t, c.remains, e.Remains())
			assert.Equal(t, c.tag, e.Tag)
			assert.Equal(t, c.tag != "", !e.Begun.IsZero())
		})
	}
}

func TestZeroWorkRecordsNothing(t *testing.T) {
	t.Parallel()
	var w journal.Work
	assert.False(t, w.IsKept())
	assert.False(t, w.Earlier.IsDone())
	assert.Empty(t, w.Earlier.Remains())
	require.NoError(t, errors.Join(w.Begin(t.Context(), "t"), w.Saving(t.Context(), []string{"a"}, nil), w.Done(t.Context(), nil), w.Forget(t.Context())))
	w.KeepAlive(t.Context())()
}

// The last line of a work counts, and not those of other works of the same name.
func TestJournalDistinguishesWorksOfTheSameName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	for _, c := range [][2]string{{"1", "old"}, {"2", "tag-2"}, {"1", "tag-1"}, {"3", "t"}} {
		require.NoError(t, workOf(t, j, "a", c[0]).Begin(t.Context(), c[1]))
	}
	require.NoError(t, workOf(t, j, "a", "3").Forget(t.Context()))
	require.NoError(t, j.Close(t.Context()))
	j = open(t, path)
	assert.Equal(t, "tag-1", earlier(t, j, "a", "1").Tag)
	assert.Equal(t, "tag-2", earlier(t, j, "a", "2").Tag)
	assert.Empty(t, earlier(t, j, "a", "3"))
	assert.Empty(t, earlier(t, j, "a", "4"))
}

func TestKeepAliveRecordsUntilStopped(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	var start time.Time
	synctest.Test(t, func(t *testing.T) {
		start = time.Now()
		j, err := journal.Open(path)
		require.NoError(t, err)
		w := workOf(t, j, "k", "1")
		require.NoError(t, w.Begin(t.Context(), "t"))
		stop := w.KeepAlive(t.Context())
		<-time.After(35 * time.Second)
		stop()
		<-time.After(time.Minute)
		require.NoError(t, j.Close(t.Context()))
	})
	e := earlier(t, open(t, path), "k", "1")
	assert.Equal(t, "t", e.Tag)
	assert.Equal(t, start.Add(3*journal.BeginInterval).UTC(), e.Begun.Time)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, 4, strings.Count(string(text), "\n"))
}

// Names and paths with any characters are found again, by scan or by encoding/json.
func TestJournalHoldsAnyText(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	names := []string{`C:\docs\a.docx`, `say "hi"`, `\\\"`, "line\nbreak\ttab\r", "\u2028\x00\x7f", "<a&b>", "文書.docx", "\ufffd", strings.Repeat("x", 100_000)}
	j := open(t, path)
	for n, name := range names {
		require.NoError(t, workOf(t, j, name, "1").Begin(t.Context(), fmt.Sprint("begun ", n)))
		require.NoError(t, workOf(t, j, name, "2").Done(t.Context(), []string{name}))
	}
	require.ErrorContains(t, workOf(t, j, "caf\xe9", "1").Begin(t.Context(), "t"), "not UTF-8")
	require.ErrorContains(t, workOf(t, j, "a", "1").Done(t.Context(), []string{"caf\xe9"}), "not UTF-8")
	require.NoError(t, j.Close(t.Context()))
	j = open(t, path)
	for n, name := range names {
		assert.Equal(t, fmt.Sprint("begun ", n), earlier(t, j, name, "1").Tag)
		assert.Equal(t, []string{name}, earlier(t, j, name, "2").Files)
	}
	assert.Empty(t, earlier(t, j, "caf\ufffd", "1"))
}

func TestJournalReadsUnusualFiles(t *testing.T) {
	t.Parallel()
	a, b := `{"key":"a","work":"1","tag":"ta"}`, `{"key":"b","work":"1","tag":"tb"}`
	for name, c := range map[string]struct{ text, a, b string }{
		"empty":               {"", "", ""},
		"two":                 {a + "\n" + b + "\n", "ta", "tb"},
		"no end":              {a + "\n" + b, "ta", "tb"},
		"torn":                {a + "\n" + b[:len(b)-3], "ta", ""},
		"torn in the middle":  {a[:20] + "\n" + b + "\n", "", "tb"},
		"torn and gone on":    {a[:20] + b + "\n" + b + "\n", "", "tb"},
		"carriage returns":    {a + "\r\n" + b + "\r\n", "ta", "tb"},
		"duplicates":          {b + "\n" + a + "\n" + `{"key":"a","work":"1","tag":"old"}` + "\n" + a + "\n" + a + "\n", "ta", "tb"},
		"odd line later":      {a + "\n" + `{"key":"a","work":"1","done":"yes"}` + "\n" + b + "\n", "ta", "tb"},
		"garbage":             {"\x00\xff\n" + a + "\nnot json\n[]\nnull\n{}\n\n" + b + "\n", "ta", "tb"},
		"another order":       {`{"tag":"ta","work":"1","key":"a"}` + "\n" + b, "ta", "tb"},
		"white space":         {" { \"key\" : \"a\", \"work\":\"1\",\"tag\":\"ta\"} \n" + b, "ta", "tb"},
		"escapes":             {`{"key":"\u0061","work":"1","tag":"t\u0061"}` + "\n" + b, "ta", "tb"},
		"key twice":           {`{"key":"b","key":"a","work":"1","tag":"ta"}` + "\n" + b, "ta", "tb"},
		"long line":           {`{"key":"x","tag":"` + strings.Repeat("x", 1<<20) + `"}` + "\n" + a + "\n" + b, "ta", "tb"},
		"nothing after begun": {a + "\n" + `{"key":"a","work":"1"}` + "\n" + b, "", "tb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := journalOf(t, c.text)
			for range 2 { // the first Open terminates an incomplete last line
				j := open(t, path)
				assert.Equal(t, c.a, earlier(t, j, "a", "1").Tag)
				assert.Equal(t, c.b, earlier(t, j, "b", "1").Tag)
				require.NoError(t, workOf(t, j, "c", "1").Begin(t.Context(), "tc"))
				require.NoError(t, j.Close(t.Context()))
			}
			assert.Equal(t, "tc", earlier(t, open(t, path), "c", "1").Tag)
		})
	}
}

// A change of the file while it is in use must be an error.
func TestJournalDetectsChangesByOtherPrograms(t *testing.T) {
	t.Parallel()
	path := journalOf(t, `{"key":"a","work":"1","tag":"ta"}`+"\n")
	j := open(t, path)
	for _, text := range []string{"", "garbage\n", `{"key":"b","work":"1","tag":"ta"}` + "\n"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := j.Work("a", "1")
		require.ErrorContains(t, err, "was changed")
	}
}

// writeLarge writes the journal of a batch of n finished works.
func writeLarge(tb testing.TB, n int) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "journal")
	file, err := os.Create(path)
	require.NoError(tb, err)
	w := bufio.NewWriter(file)
	const (
		work = `{"key":"documents/2026/report-%07[1]d.docx","work":"%024[1]x",`
		tag  = `"tag":"cloudconvert-go-ABCDEFGHIJKLMNOPQRSTUVWXYZ",`
		out  = `"files":["/srv/out/documents/2026/report-%07[1]d.pdf"],`
	)
	for i := range n {
		_, err := fmt.Fprintf(w, work+tag+`"begun":"2026-11-28T22:29:11.123456789Z"}`+"\n"+
			work+tag+out+`"sizes":[12345]}`+"\n"+work+out+`"done":true}`+"\n", i)
		require.NoError(tb, err)
	}
	require.NoError(tb, w.Flush())
	require.NoError(tb, file.Close())
	return path
}

// heap returns the number of bytes in use and the number ever allocated.
func heap() (used, allocated uint64) {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc, stats.TotalAlloc
}

// A million finished works take less than 64 MiB.
func TestJournalUsesLittleMemory(t *testing.T) { //nolint:paralleltest // it counts the allocations of the process.
	if testing.Short() {
		t.Skip("measures memory")
	}
	const n = 20_000
	path := writeLarge(t, n)
	used, allocated := heap()
	j := open(t, path)
	usedAfter, allocatedAfter := heap()
	assert.Less(t, (usedAfter-used)/n, uint64(64))
	assert.Less(t, (allocatedAfter-allocated)/n, uint64(160), "with garbage")
	runtime.KeepAlive(j)
}

// BenchmarkOpen opens the journals of batches of finished works, three lines each.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			path := writeLarge(b, n)
			b.ReportAllocs()
			var held uint64
			for b.Loop() {
				b.StopTimer()
				before, _ := heap()
				b.StartTimer()
				j := open(b, path)
				b.StopTimer()
				after, _ := heap()
				held = after - before
				require.NoError(b, j.Close(b.Context()))
				b.StartTimer()
			}
			b.ReportMetric(float64(held)/float64(n), "B/work")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/work")
		})
	}
}
