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
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// textItem is an item that converts a text to a pdf.
func textItem(name, text, dst string, opts ...cloudconvert.ConvertOption) cloudconvert.Conversion {
	return cloudconvert.Conversion{
		Source: cloudconvert.FromBytes(name, []byte(text)), Destination: dst, OutputFormat: "pdf", Options: opts,
	}
}

// textItems are so many items with a file in dir for each.
func textItems(n int, dir string) iter.Seq[cloudconvert.Conversion] {
	return func(yield func(cloudconvert.Conversion) bool) {
		for i := range n {
			if !yield(textItem("a.txt", fmt.Sprint("text ", i), filepath.Join(dir, fmt.Sprint(i, ".pdf")))) {
				return
			}
		}
	}
}

// sleeper makes the conversion of txt to slow take as long as its text says.
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

// slowItem is an item that takes some time. No file is fetched.
func slowItem(d time.Duration) cloudconvert.Conversion {
	return cloudconvert.Conversion{Source: cloudconvert.FromBytes("a.txt", []byte(d.String())), OutputFormat: "slow"}
}

func TestConvertAll(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	seen := map[string]bool{}
	for result := range server.Client().ConvertAll(t.Context(), textItems(50, dir)) {
		require.NoError(t, result.Err)
		require.Len(t, result.Files, 1)
		assert.Equal(t, result.Conversion.Destination, result.Files[0])
		assert.Equal(t, cloudconvert.StatusFinished, result.Job.Status)
		assert.False(t, seen[result.Files[0]])
		seen[result.Files[0]] = true
	}
	assert.Len(t, seen, 50)
	for i := range 50 {
		assert.Equal(t, fmt.Sprint("pdf: text ", i), readFile(t, filepath.Join(dir, fmt.Sprint(i, ".pdf"))))
	}
	assert.Equal(t, 50, jobCount(server))
	assert.InDelta(t, 101, len(outline(server)), 1, "one of them finds out about limits")
}

func TestConvertAllDestinations(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	server.HandleURL("https://example.com/files/my%20text.txt?x=1", writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "x"))
	text := cloudconvert.FromBytes("dir/a.b.txt", []byte("x"))
	for name, c := range map[string]struct {
		item cloudconvert.Conversion
		opts []cloudconvert.ConvertOption
		want []string // below the output directory
	}{
		"of its own":         {cloudconvert.Conversion{Source: text, Destination: "b.pdf"}, nil, []string{"b.pdf"}},
		"another extension":  {cloudconvert.Conversion{Source: text, Destination: "b.doc", OutputFormat: "pdf"}, nil, []string{"b.doc"}},
		"no extension":       {cloudconvert.Conversion{Source: text, Destination: "b", OutputFormat: "pdf"}, nil, []string{"b"}},
		"named after source": {cloudconvert.Conversion{Source: text, OutputFormat: "PDF"}, nil, []string{"a.b.pdf"}},
		"source of no stem": {
			cloudconvert.Conversion{Source: cloudconvert.FromBytes("..txt", []byte("x")), OutputFormat: "pdf"}, nil, []string{"file.pdf"},
		},
		"named after address": {
			cloudconvert.Conversion{Source: cloudconvert.FromURL("https://example.com/files/my%20text.txt?x=1"), OutputFormat: "pdf"},
			nil,
			[]string{"my text.pdf"},
		},
		"pages": {
			cloudconvert.Conversion{Source: cloudconvert.FromBytes("a.txt", []byte("1\n2")), OutputFormat: "page"},
			nil,
			[]string{"a-1.page", "a-2.page"},
		},
		"pages of no extension": {
			cloudconvert.Conversion{Source: cloudconvert.FromBytes("a.txt", []byte("1\n2")), Destination: "p", OutputFormat: "page"},
			nil,
			[]string{"p-1", "p-2"},
		},
		"archive": {
			cloudconvert.Conversion{Source: cloudconvert.FromBytes("a.txt", []byte("1\n2")), OutputFormat: "page"},
			[]cloudconvert.ConvertOption{cloudconvert.WithArchive()},
			[]string{"a.zip"},
		},
		"archive by name": {
			cloudconvert.Conversion{Source: cloudconvert.FromBytes("a.txt", []byte("1\n2")), Destination: "b.ZIP", OutputFormat: "page"},
			[]cloudconvert.ConvertOption{cloudconvert.WithArchive()},
			[]string{"b.ZIP"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "new", "out")
			if c.item.Destination != "" {
				require.NoError(t, os.MkdirAll(dir, 0o700))
				c.item.Destination = filepath.Join(dir, c.item.Destination)
			}
			opts := slices.Concat(c.opts, []cloudconvert.ConvertOption{cloudconvert.WithOutputDir(dir)})
			for result := range server.Client().ConvertAll(t.Context(), slices.Values([]cloudconvert.Conversion{c.item}), opts...) {
				require.NoError(t, result.Err)
				for i, name := range c.want {
					assert.Equal(t, filepath.Join(dir, name), result.Files[i])
				}
			}
			assert.Equal(t, c.want, listed(t, dir))
		})
	}
}

// Without a destination nothing is fetched.
func TestConvertAllLeavesFiles(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	for result := range server.Client().ConvertAll(t.Context(), slices.Values([]cloudconvert.Conversion{textItem("a.txt", "x", "")})) {
		require.NoError(t, result.Err)
		assert.Empty(t, result.Files)
		assert.Len(t, result.Job.Files(), 1)
	}
	assert.Equal(t, []string{"POST api", "GET sync"}, outline(server), "a batch expects more to come")
}

func TestConvertAllErrorsAreIndependent(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	writeFile(t, at("there.pdf"), "mine")
	text := cloudconvert.FromBytes("a.txt", []byte("x"))
	items := map[string]struct {
		item cloudconvert.Conversion
		want string
	}{
		"good":         {cloudconvert.Conversion{Source: text, Destination: at("good.pdf")}, ""},
		"bad":          {cloudconvert.Conversion{Source: text, Destination: at("bad.bad")}, "The document is protected"},
		"empty":        {cloudconvert.Conversion{}, "no output format"},
		"no source":    {cloudconvert.Conversion{Destination: at("none.pdf")}, "the source is empty"},
		"no format":    {cloudconvert.Conversion{Source: text, Destination: at("odd")}, "no extension"},
		"missing":      {cloudconvert.Conversion{Source: cloudconvert.FromFile(at("missing.txt")), Destination: at("missing.pdf")}, "no such file"},
		"exists":       {cloudconvert.Conversion{Source: text, Destination: at("there.pdf")}, "is there already"},
		"no directory": {cloudconvert.Conversion{Source: text, Destination: at("no/where.pdf")}, "cannot be written"},
		"bad option":   {textItem("a.txt", "x", at("option.pdf"), cloudconvert.WithInlineLimit(-1)), "WithInlineLimit"},
		"of a batch":   {textItem("a.txt", "x", at("batch.pdf"), cloudconvert.WithConcurrency(3)), "WithConcurrency"},
		"lost":         {textItem("a.txt", "x", "", cloudconvert.WithDelete()), "WithDelete"},
	}
	seen := map[string]bool{}
	all := func(yield func(cloudconvert.Conversion) bool) {
		for name, c := range items {
			c.item.Key = name
			if !yield(c.item) {
				return
			}
		}
	}
	for result := range server.Client().ConvertAll(t.Context(), all) {
		name := result.Conversion.Key
		seen[name] = true
		if items[name].want == "" {
			require.NoError(t, result.Err, name)
			continue
		}
		require.ErrorContains(t, result.Err, items[name].want, name)
		assert.Empty(t, result.Files, name)
	}
	assert.Len(t, seen, len(items))
	assert.Equal(t, []string{"good.pdf", "there.pdf"}, listed(t, dir))
	assert.Equal(t, 2, jobCount(server))
}

func TestConvertAllRefuses(t *testing.T) {
	t.Parallel()
	none := slices.Values([]cloudconvert.Conversion(nil))
	for name, c := range map[string]struct {
		items iter.Seq[cloudconvert.Conversion]
		opts  []cloudconvert.ConvertOption
		want  string
	}{
		"options":    {none, []cloudconvert.ConvertOption{cloudconvert.WithConcurrency(0)}, "WithConcurrency"},
		"no items":   {nil, nil, "the items are nil"},
		"no journal": {none, []cloudconvert.ConvertOption{cloudconvert.WithJournal(filepath.Join(t.TempDir(), "no", "journal"))}, "journal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results := slices.Collect(newSandbox(t).Client().ConvertAll(t.Context(), c.items, c.opts...))
			require.Len(t, results, 1)
			require.ErrorContains(t, results[0].Err, c.want)
		})
	}
}

func TestConvertAllOfNothing(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	assert.Empty(t, slices.Collect(server.Client().ConvertAll(t.Context(), textItems(0, ""))))
	assert.Empty(t, server.Requests())
}

func TestConvertAllOrder(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		sleeper(server)
		items := []cloudconvert.Conversion{slowItem(30 * time.Second), slowItem(10 * time.Second), slowItem(20 * time.Second)}
		var ended []time.Duration
		start := time.Now()
		for result := range server.Client().ConvertAll(t.Context(), slices.Values(items)) {
			require.NoError(t, result.Err)
			ended = append(ended, time.Since(start).Round(time.Second))
		}
		assert.Equal(t, []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second}, ended)
	})
}

func TestConvertAllConcurrency(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts []cloudconvert.ConvertOption
		want int32
	}{
		"default": {nil, 8},
		"one":     {[]cloudconvert.ConvertOption{cloudconvert.WithConcurrency(1)}, 1},
		"twenty":  {[]cloudconvert.ConvertOption{cloudconvert.WithConcurrency(20)}, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				var running, most atomic.Int32
				server.HandleConvert("txt", "pdf", func(context.Context, *cloudconverttest.Run) error {
					most.Store(max(most.Load(), running.Add(1)))
					advance(time.Second)
					running.Add(-1)
					return nil
				})
				start := time.Now()
				for range server.Client().ConvertAll(t.Context(), textItems(60, t.TempDir()), c.opts...) {
				}
				assert.Equal(t, c.want, most.Load())
				rounds := (60 + c.want - 1) / c.want
				assert.Equal(t, time.Duration(rounds)*time.Second, time.Since(start).Round(time.Second))
			})
		})
	}
}

// Items that come one after the other do not wait for the job of the first one.
func TestConvertAllStartsAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		spread := func(yield func(cloudconvert.Conversion) bool) {
			for item := range textItems(8, t.TempDir()) {
				if advance(time.Millisecond); !yield(item) {
					return
				}
			}
		}
		start := time.Now()
		for result := range server.Client().ConvertAll(t.Context(), spread) {
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

// advance lets time pass in a bubble.
func advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // in a bubble it takes no time.
}

// Who takes results slowly gets no more items begun than can be kept.
func TestConvertAllWaitsForItsConsumer(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		taken := 0
		items := func(yield func(cloudconvert.Conversion) bool) {
			for range 100 {
				taken++
				if !yield(slowItem(0)) {
					return
				}
			}
		}
		sleeper(server)
		for range server.Client().ConvertAll(t.Context(), items, cloudconvert.WithConcurrency(4)) {
			advance(time.Hour)
			synctest.Wait()
			assert.LessOrEqual(t, taken, 1+4+4+1)
			break
		}
	})
}

// Leaving the loop ends everything: the bubble would not end otherwise.
func TestConvertAllLeftEarly(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				dir := t.TempDir()
				client := server.Client(linked(t, server)...)
				items := 0
				for result := range client.ConvertAll(t.Context(), textItems(1000, dir), cloudconvert.WithInlineLimit(limit)) {
					require.NoError(t, result.Err)
					if items++; items == 5 {
						break
					}
				}
				files := len(listed(t, dir))
				assert.GreaterOrEqual(t, files, 5)
				assert.Less(t, files, 30)
				advance(time.Hour)
				assert.Len(t, listed(t, dir), files, "nothing goes on")
				assert.Zero(t, pendingUploads(server))
			}, cloudconverttest.WithTaskDuration(50*time.Millisecond))
		})
	}
}

// stuck is an iterator that yields items and then nothing, until it is freed.
type stuck struct {
	items []cloudconvert.Conversion
	freed chan struct{}
	ended bool
}

func (s *stuck) all(yield func(cloudconvert.Conversion) bool) {
	defer func() { s.ended = true }()
	for _, item := range s.items {
		if !yield(item) {
			return
		}
	}
	<-s.freed
	yield(slowItem(0))
}

func TestConvertAllWithIteratorThatBlocks(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]bool{"left": true, "context ended": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				sleeper(server)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				items := &stuck{items: []cloudconvert.Conversion{slowItem(time.Second), slowItem(2 * time.Second)}, freed: make(chan struct{})}
				results := 0
				for result := range server.Client().ConvertAll(ctx, items.all) {
					require.NoError(t, result.Err)
					if results++; leave {
						break
					}
				}
				jobs := len(server.Jobs())
				close(items.freed)
				synctest.Wait()
				assert.True(t, items.ended)
				assert.Equal(t, jobs, jobCount(server), "nothing is begun any more")
				if !leave {
					assert.Equal(t, 2, results)
				}
			})
		})
	}
}

// A context that ends leaves a result for each item that was begun.
func TestConvertAllCancelled(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		sleeper(server)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		items := []cloudconvert.Conversion{slowItem(time.Second), slowItem(2 * time.Second)}
		for range 20 {
			items = append(items, slowItem(time.Hour))
		}
		good, cancelled := 0, 0
		for result := range server.Client().ConvertAll(ctx, slices.Values(items), cloudconvert.WithConcurrency(5)) {
			if result.Err == nil {
				good++
				continue
			}
			require.ErrorIs(t, result.Err, context.DeadlineExceeded)
			cancelled++
		}
		assert.Equal(t, 2, good)
		assert.Equal(t, 5, cancelled)
		assert.Equal(t, 7, jobCount(server))
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		assert.Empty(t, slices.Collect(server.Client().ConvertAll(ctx, slices.Values(items))), "nothing is begun")
	})
}

// A consumer that panics, or ends its goroutine, leaves nothing behind.
func TestConvertAllConsumerPanics(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		assert.PanicsWithValue(t, "enough", func() {
			for range server.Client().ConvertAll(t.Context(), textItems(100, t.TempDir())) {
				panic("enough") //nolint:forbidigo // that is what the test is about.
			}
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range server.Client().ConvertAll(t.Context(), textItems(100, t.TempDir())) {
				runtime.Goexit()
			}
		}()
		<-done
	})
}

func TestCollisionsQuoteNoSecrets(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"default key": "", "key of the caller": "https://me:s3cret@a.example/a.png?sig=s3cret"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				item := cloudconvert.Conversion{
					Source: cloudconvert.FromURL(`https://me:s3cret@a.example/a.png?name="a b"&sig=s3cret`), OutputFormat: "jpg", Key: key,
				}
				var failures []error
				for result := range server.Client().ConvertAll(t.Context(), slices.Values([]cloudconvert.Conversion{item, item}),
					cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal"))) {
					failures = append(failures, result.Err)
				}
				require.ErrorContains(t, errors.Join(failures...), "has the same key")
				require.ErrorContains(t, errors.Join(failures...), "a.example")
				require.NotContains(t, errors.Join(failures...).Error(), "s3cret")
			})
		})
	}
}

func TestConvertAllCollisions(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir := t.TempDir()
		items := []cloudconvert.Conversion{
			textItem("a.txt", "first", filepath.Join(dir, "a.pdf")),
			textItem("b.txt", "second", dir+"/./x/../a.pdf"),
			textItem("c.txt", "third", filepath.Join(dir, "c.pdf")),
		}
		var failures []error
		for result := range server.Client().ConvertAll(t.Context(), slices.Values(items)) {
			failures = append(failures, result.Err)
		}
		require.Error(t, errors.Join(failures...))
		require.ErrorIs(t, errors.Join(failures...), cloudconvert.ErrInvalid)
		require.ErrorContains(t, errors.Join(failures...), "has the same destination")
		assert.Equal(t, []string{"a.pdf", "c.pdf"}, listed(t, dir))
		assert.Equal(t, 2, jobCount(server))
		// One after the other, the file itself is in the way.
		items = items[:2]
		items[0].Destination, items[1].Destination = filepath.Join(dir, "d.pdf"), filepath.Join(dir, "d.pdf")
		results := slices.Collect(server.Client().ConvertAll(t.Context(), slices.Values(items), cloudconvert.WithConcurrency(1)))
		require.NoError(t, results[0].Err)
		require.ErrorIs(t, results[1].Err, fs.ErrExist)
		assert.Equal(t, "pdf: first", readFile(t, filepath.Join(dir, "d.pdf")))
	}, cloudconverttest.WithTaskDuration(time.Second))
}

// The options of an item take precedence over those of the batch.
func TestConvertAllOptions(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	var both, mine reports
	items := []cloudconvert.Conversion{
		textItem("a.txt", "a", ""),
		textItem("b.txt", "b", "", cloudconvert.WithOption("quality", 90), cloudconvert.WithEngine("other", ""), cloudconvert.WithProgress(mine.add)),
	}
	for result := range server.Client().ConvertAll(t.Context(), slices.Values(items), cloudconvert.WithConcurrency(1),
		cloudconvert.WithOptions(cloudconvert.Options{"quality": 70, "pages": "1"}), cloudconvert.WithEngine("usual", "1"),
		cloudconvert.WithProgress(both.add)) {
		require.NoError(t, result.Err)
	}
	var sent []string
	for _, task := range server.Tasks() {
		if task.Name == "convert" {
			sent = append(sent, fmt.Sprintf("%v %v %v %v", task.Params["quality"], task.Params["pages"], task.Params["engine"], task.Params["engine_version"]))
		}
	}
	assert.Equal(t, []string{"70 1 usual 1", "90 1 other <nil>"}, sent)
	assert.Len(t, both.all, 2)
	assert.Len(t, mine.all, 2)
}

// A progress function of the whole batch is called by one item at a time.
func TestConvertAllProgress(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	var seen reports
	for result := range server.Client().ConvertAll(t.Context(), textItems(100, t.TempDir()), cloudconvert.WithProgress(seen.add)) {
		require.NoError(t, result.Err)
	}
	assert.False(t, seen.bad)
	assert.GreaterOrEqual(t, len(seen.all), 300)
}

func TestConvertAllWaitsForTheRateLimit(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				start := time.Now()
				for result := range server.Client().ConvertAll(t.Context(), textItems(55, t.TempDir()),
					cloudconvert.WithConcurrency(16), cloudconvert.WithInlineLimit(limit)) {
					require.NoError(t, result.Err)
				}
				assert.GreaterOrEqual(t, time.Since(start), 5*time.Minute)
				assert.Less(t, time.Since(start), 7*time.Minute)
				assert.Equal(t, 55, jobCount(server))
			}, cloudconverttest.WithRateLimit(10, time.Minute))
		})
	}
}

// However long the service asks to wait, it is waited for.
func TestConvertAllWaitsForALongWindow(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				for result := range server.Client().ConvertAll(t.Context(), textItems(12, t.TempDir()), cloudconvert.WithInlineLimit(limit)) {
					require.NoError(t, result.Err)
				}
				assert.Equal(t, 12, jobCount(server))
				assert.Less(t, statuses(server)[http.StatusTooManyRequests], 200)
				// But not beyond the end of the context.
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				for result := range server.Client().ConvertAll(ctx, textItems(12, t.TempDir()), cloudconvert.WithInlineLimit(limit)) {
					if result.Err != nil && !errors.Is(result.Err, context.DeadlineExceeded) {
						require.ErrorIs(t, result.Err, cloudconvert.ErrRateLimited)
					}
				}
				assert.LessOrEqual(t, time.Since(start), time.Hour)
			}, cloudconverttest.WithRateLimit(5, 3*time.Hour))
		})
	}
}

// A limit that outlasts the context is no reason to go through the items.
func TestConvertAllTakesNoItemsInVain(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				good, bad := 0, 0
				for result := range server.Client().ConvertAll(ctx, textItems(1000, t.TempDir()), cloudconvert.WithInlineLimit(limit), cloudconvert.WithConcurrency(4)) {
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

func TestConvertAllWaitsForRunningJobs(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1000, "upload": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				for result := range server.Client().ConvertAll(t.Context(), textItems(40, t.TempDir()),
					cloudconvert.WithConcurrency(16), cloudconvert.WithInlineLimit(limit)) {
					require.NoError(t, result.Err)
				}
				assert.Equal(t, 40, jobCount(server))
			}, cloudconverttest.WithParallelJobs(3), cloudconverttest.WithTaskDuration(10*time.Second))
		})
	}
}

// Items cost no memory once they have ended, however many there are.
func TestConvertAllMemory(t *testing.T) { //nolint:paralleltest // other tests would be measured as well.
	const items, size = 10_000, 4 << 10
	client := clientOf(t, func(r *http.Request) (int, string) {
		_ = r.Body.Close()
		return http.StatusCreated, `{"data": {"id": "j", "status": "finished", "tasks": [
			{"id": "e", "name": "export", "operation": "export/url", "status": "finished", "result": {"files": []}}
		]}}`
	})
	all := func(yield func(cloudconvert.Conversion) bool) {
		for range items {
			if !yield(textItem("a.txt", strings.Repeat("x", size), "")) {
				return
			}
		}
	}
	results, early := 0, uint64(0)
	for result := range client.ConvertAll(t.Context(), all) {
		require.NoError(t, result.Err)
		if results++; results == 1000 {
			early = heap()
		}
	}
	assert.Equal(t, items, results)
	assert.Less(t, heap(), early+1<<20)
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// troubles hit a tenth of all requests, in all ways but one: no creation fails
// without an effect and without saying so, which nobody could tell from a job
// that is not to be seen yet.
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

func TestConvertAllPicturesInTrouble(t *testing.T) {
	t.Parallel()
	const pictures = 300
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		for _, fault := range troubles() {
			server.Inject(fault)
		}
		in, out := t.TempDir(), t.TempDir()
		good := picture(t, 3000)
		broken := map[string]bool{}
		var items []cloudconvert.Conversion
		for i := range pictures {
			name := fmt.Sprintf("%03d.png", i)
			file := slices.Clone(good)
			if i%10 == 3 {
				file = file[:len(file)/2]
				broken[filepath.Join(in, name)] = true
			}
			path := writeFile(t, filepath.Join(in, name), string(file))
			// A third of them is large enough to be uploaded.
			items = append(items, cloudconvert.Conversion{
				Source: cloudconvert.FromFile(path), Key: path, OutputFormat: "jpg",
				Options: []cloudconvert.ConvertOption{cloudconvert.WithInlineLimit([]int64{0, 1 << 20, 1 << 20}[i%3])},
			})
		}
		client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 20}),
			cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 20}))
		results := map[string]bool{}
		for result := range client.ConvertAll(t.Context(), slices.Values(items), cloudconvert.WithOutputDir(out), cloudconvert.WithConcurrency(16)) {
			path := result.Conversion.Key
			assert.False(t, results[path], "each item has one result")
			results[path] = true
			if broken[path] {
				require.ErrorIs(t, result.Err, cloudconvert.ErrJobFailed, path)
				require.ErrorContains(t, result.Err, result.Job.ID)
				continue
			}
			require.NoError(t, result.Err, path)
			_, err := jpeg.Decode(bytes.NewReader([]byte(readFile(t, result.Files[0]))))
			require.NoError(t, err)
		}
		assert.Len(t, results, pictures)
		assert.Len(t, listed(t, out), pictures-len(broken), "whole, once, and nothing else")
		assert.Equal(t, pictures, jobCount(server), "no second jobs")
		count := statuses(server)
		t.Log(len(server.Requests()), "requests, answered", count)
		assert.Greater(t, count[0]+count[502]+count[503]+count[429], len(server.Requests())/20, "there was trouble")
	})
}

// statuses counts the answers of a server by status. 0 stands for none.
func statuses(server *cloudconverttest.Server) map[int]int {
	count := map[int]int{}
	for _, r := range server.Requests() {
		count[r.Status]++
	}
	return count
}

// A panic of the iterator is one of the caller, after the results of what was begun.
func TestConvertAllIteratorPanics(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		results := 0
		defer func() {
			assert.Contains(t, recover(), "no more items")
			assert.Equal(t, 2, results)
		}()
		for result := range server.Client().ConvertAll(t.Context(), func(yield func(cloudconvert.Conversion) bool) {
			for item := range textItems(2, t.TempDir()) {
				yield(item)
			}
			panic("no more items") //nolint:forbidigo // that is what is tested.
		}) {
			require.NoError(t, result.Err)
			results++
		}
	})
}

// Nothing is paid for whose directory has disappeared since the batch began.
func TestConvertAllChecksEachDestination(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "out")
		require.NoError(t, os.Mkdir(dir, 0o700))
		var failures []error
		for result := range server.Client().ConvertAll(t.Context(), textItems(5, dir), cloudconvert.WithConcurrency(1)) {
			if failures = append(failures, result.Err); len(failures) == 1 {
				require.NoError(t, os.Rename(dir, dir+" gone"))
			}
		}
		require.Len(t, failures, 5)
		require.NoError(t, failures[0])
		require.ErrorIs(t, failures[4], fs.ErrNotExist)
		assert.Less(t, jobCount(server), 4)
	}, cloudconverttest.WithTaskDuration(time.Second))
}

// An item whose Progress ends its goroutine, as require does in a test, has a
// result too, and does not keep its slot.
func TestConvertAllWhoseProgressEndsTheGoroutine(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	items := []cloudconvert.Conversion{
		textItem("a.txt", "x", filepath.Join(dir, "a.pdf"), cloudconvert.WithProgress(func(cloudconvert.Progress) { runtime.Goexit() })),
		textItem("b.txt", "x", filepath.Join(dir, "b.pdf")),
	}
	failures := map[string]error{}
	for result := range server.Client().ConvertAll(t.Context(), slices.Values(items), cloudconvert.WithConcurrency(1)) {
		failures[result.Conversion.Destination] = result.Err
	}
	require.Len(t, failures, 2)
	require.ErrorContains(t, failures[items[0].Destination], "has ended its goroutine")
	require.NoError(t, failures[items[1].Destination])
	assert.Equal(t, []string{"b.pdf"}, listed(t, dir))
}

// Whatever is sent again while limits are waited for is told.
func TestConvertAllLogsWhatIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log records
		replies := slices.Repeat([]reply{says(http.StatusTooManyRequests, "")}, 12)
		client, script := newScriptedWith(t, []cloudconvert.Option{log.option()}, append(replies, says(http.StatusCreated, endedJob))...)
		item := textItem("a.txt", "x", "")
		for result := range client.ConvertAll(t.Context(), slices.Values([]cloudconvert.Conversion{item})) {
			require.NoError(t, result.Err)
		}
		assert.Len(t, script.requests, 13)
		assert.Len(t, log.lines(slog.LevelWarn), 12)
	})
}

// childPanics is set in the process that is to die of a panic.
const childPanics = "CLOUDCONVERT_TEST_PANICS"

// TestConvertAllPanicChild is no test of its own.
func TestConvertAllPanicChild(t *testing.T) {
	t.Parallel()
	if os.Getenv(childPanics) == "" {
		t.Skip("runs as a child of TestConvertAllPanicsAtOnce")
	}
	items := func(yield func(cloudconvert.Conversion) bool) {
		for n := range 3 {
			yield(textItem("a.txt", "x", "", cloudconvert.WithProgress(func(cloudconvert.Progress) {
				if n == 2 {
					panic("enough") //nolint:forbidigo // that is what the test is about.
				}
			})))
		}
	}
	for range newSandbox(t).Client().ConvertAll(t.Context(), items, cloudconvert.WithConcurrency(1)) {
		<-t.Context().Done() // takes no other result
	}
}

// A panic in an item does not wait for a consumer that is busy.
func TestConvertAllPanicsAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestConvertAllPanicChild$")
	child.Env = append(os.Environ(), childPanics+"=yes")
	output, err := child.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(output), "panic: enough")
	require.NoError(t, ctx.Err())
}
