package cloudconvert_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// slowCreation is a network on which a creation takes long, whether its client waits
// for it or not. After kill no request passes, as if the process had ended.
type slowCreation struct {
	next   http.RoundTripper
	takes  time.Duration
	killed atomic.Bool
}

func (s *slowCreation) RoundTrip(req *http.Request) (*http.Response, error) {
	if s.killed.Load() {
		return nil, errors.New("the process was killed")
	}
	if req.Method != http.MethodPost || !strings.HasSuffix(req.URL.Path, "/jobs") {
		return s.next.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	lasting := req.Clone(context.WithoutCancel(req.Context()))
	lasting.Body = io.NopCloser(strings.NewReader(string(body)))
	result := make(chan *http.Response, 1)
	go func() {
		testkit.Advance(s.takes)
		resp, err := s.next.RoundTrip(lasting)
		switch {
		case err != nil:
			close(result)
		case req.Context().Err() != nil:
			_ = resp.Body.Close()
		default:
			result <- resp
		}
	}()
	select {
	case resp, ok := <-result:
		if !ok {
			return nil, io.ErrUnexpectedEOF
		}
		return resp, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// kill lets no more requests pass, and returns a copy of the journal as it is now.
func (s *slowCreation) kill(t *testing.T, journal string) string {
	t.Helper()
	s.killed.Store(true)
	return testkit.WriteFile(t, filepath.Join(t.TempDir(), "journal"), testkit.ReadFile(t, journal))
}

// slowly returns a client whose creations take the given time, and its network.
func slowly(t *testing.T, server *cloudconverttest.Server, takes time.Duration) (*cloudconvert.Client, *slowCreation) {
	t.Helper()
	network := &slowCreation{next: server.HTTPClient().Transport, takes: takes}
	return server.Client(cloudconvert.WithHTTPClient(&http.Client{Transport: network})), network
}

// runJournal runs one work and returns its result.
func runJournal(ctx context.Context, client *cloudconvert.Client, work cloudconvert.Work, journal string) (result cloudconvert.Result) {
	for result = range client.RunAll(ctx, onlyWork(work), cloudconvert.WithJournal(journal)) {
		continue
	}
	return result
}

// The next run finds the job, however a run ends during its creation, and however long
// the creation takes.
func TestJournalFindsJobOfSlowCreation(t *testing.T) {
	t.Parallel()
	ways := map[string]func(address string) cloudconvert.Work{
		"inline": func(string) cloudconvert.Work { return testkit.TextWork("a.txt", "text", "") },
		"uploaded": func(string) cloudconvert.Work {
			return testkit.TextWork("a.txt", "text", "", cloudconvert.WithInlineLimit(0))
		},
		"URL": func(address string) cloudconvert.Work {
			return cloudconvert.Work{Request: cloudconvert.Pipeline(cloudconvert.FromURL(address), cloudconvert.Convert{OutputFormat: "pdf"})}
		},
	}
	for way, newWork := range ways {
		for _, ending := range []string{"context", "kill"} {
			for _, takes := range []time.Duration{time.Second, 5 * time.Second, 25 * time.Second} {
				t.Run(way+" "+ending+" "+takes.String(), func(t *testing.T) {
					t.Parallel()
					testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
						t.Helper()
						source, err := server.Client().Run(t.Context(), cloudconvert.Pipeline(
							cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.ExportURL{}))
						require.NoError(t, err)
						work := newWork(source.Files()[0].URL)
						before := testkit.JobCount(server)
						work.Name, work.Destination = "k", filepath.Join(t.TempDir(), "a.pdf")

						client, network := slowly(t, server, takes)
						journal := filepath.Join(t.TempDir(), "journal")
						left := make(chan string, 1)
						ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
						defer cancel()
						if ending == "kill" {
							time.AfterFunc(50*time.Millisecond, func() { left <- network.kill(t, journal) })
						} else {
							left <- journal
						}
						require.Error(t, runJournal(ctx, client, work, journal).Err)

						client, _ = slowly(t, server, takes)
						result := runJournal(t.Context(), client, work, <-left)
						require.NoError(t, result.Err)
						assert.Equal(t, "pdf: text", testkit.ReadFile(t, work.Destination))
						testkit.Advance(time.Minute)
						assert.Equal(t, before+1, testkit.JobCount(server))
					})
				})
			}
		}
	}
}

// The time of the last entry for a creation determines how long the next run looks
// for the job.
func TestJournalLooksWhileAJobMayAppear(t *testing.T) {
	t.Parallel()
	const full = 41 * time.Second
	for name, c := range map[string]struct {
		entry string // %s is the time
		age   time.Duration
		looks time.Duration // how long it looks before it creates a job
	}{
		"just written":         {`{"key":"k","tag":"t","begun":"%s"}`, 0, full},
		"half as old":          {`{"key":"k","tag":"t","begun":"%s"}`, 20 * time.Second, full - 20*time.Second},
		"old enough":           {`{"key":"k","tag":"t","begun":"%s"}`, full, 0},
		"a week old":           {`{"key":"k","tag":"t","begun":"%s"}`, 7 * 24 * time.Hour, 0},
		"from the future":      {`{"key":"k","tag":"t","begun":"%s"}`, -time.Hour, full},
		"of an earlier format": {`{"key":"k","tag":"t"}`, 0, full},
		"odd time":             {`{"key":"k","tag":"t","begun":{"at":1}}`, 0, full},
		"odd text":             {`{"key":"k","tag":"t","begun":"yesterday"}`, 0, full},
		"while saving":         {`{"key":"k","tag":"t","files":["gone"]}`, 0, 0},
		"done, file gone":      {`{"key":"k","files":["gone"],"done":true}`, 0, 0},
		"never begun":          {`{"key":"k"}`, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				work := testkit.TextWork("a.txt", "text", filepath.Join(t.TempDir(), "a.pdf"))
				work.Name = "k"
				entry := strings.ReplaceAll(c.entry, "%s", time.Now().Add(-c.age).Format(time.RFC3339Nano))
				entry = strings.Replace(entry, `"key":"k"`, fmt.Sprintf(`"key":"k","work":%q`, hashOf(t, work)), 1)
				journal := testkit.WriteFile(t, filepath.Join(t.TempDir(), "journal"), entry+"\n")
				start := time.Now()
				require.NoError(t, runJournal(t.Context(), server.Client(), work, journal).Err)
				looked := time.Duration(0)
				for _, request := range server.Requests() {
					if request.Method == http.MethodPost {
						looked = request.Time.Sub(start)
					}
				}
				assert.InDelta(t, c.looks, looked, float64(time.Millisecond))
				assert.Equal(t, 1, testkit.JobCount(server))
			})
		})
	}
}

// A creation may wait for limits long before it is sent. Its age in the journal
// counts from then.
func TestJournalAfterACreationThatHadToWait(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]cloudconverttest.Fault{
		"too many jobs": {Status: http.StatusPaymentRequired, Code: "PARALLEL_JOB_LIMIT_EXCEEDED"},
		"rate limit":    {Status: http.StatusTooManyRequests, Code: "TOO_MANY_REQUESTS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				refusal.Method = http.MethodPost
				server.Inject(refusal)
				client, network := slowly(t, server, 30*time.Second)
				work := testkit.TextWork("a.txt", "text", filepath.Join(t.TempDir(), "a.pdf"), cloudconvert.WithInlineLimit(0))
				work.Name = "k"
				journal := filepath.Join(t.TempDir(), "journal")
				left := make(chan string, 1)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(10*time.Minute, server.ClearFaults)
				time.AfterFunc(10*time.Minute+20*time.Second, func() {
					left <- network.kill(t, journal)
					cancel()
				})
				_ = runJournal(ctx, client, work, journal) // which may even have ended
				require.NoError(t, runJournal(t.Context(), server.Client(), work, <-left).Err)
				testkit.Advance(time.Minute)
				assert.Equal(t, 1, testkit.JobCount(server))
			})
		})
	}
}

// A job that cannot be looked for is not created again, however long that lasts.
func TestJournalCreatesNoJobWithoutALookup(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudconverttest.Fault{
		"500":             {Status: http.StatusInternalServerError},
		"offline":         {Kind: cloudconverttest.Reset},
		"silent":          {Kind: cloudconverttest.Stall},
		"garbage":         {Kind: cloudconverttest.Garbage},
		"forbidden":       {Status: http.StatusForbidden},
		"in the meantime": {Status: http.StatusBadGateway, Nth: 3, Times: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				fault.Method = http.MethodGet
				server.Inject(fault)
				work := testkit.TextWork("a.txt", "text", filepath.Join(t.TempDir(), "a.pdf"))
				work.Name = "k"
				journal := writeJournal(t, note{Key: "k", Work: hashOf(t, work), Tag: "t"})
				require.Error(t, runJournal(t.Context(), server.Client(), work, journal).Err)
				assert.Zero(t, testkit.JobCount(server))
				assert.Zero(t, testkit.CountRequests(server, "POST sync"))
				server.ClearFaults()
				require.NoError(t, runJournal(t.Context(), server.Client(), work, journal).Err)
				assert.Equal(t, 1, testkit.JobCount(server))
			})
		})
	}
}

// The context ends the search for a job, and the next run continues it.
func TestJournalSearchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		work := testkit.TextWork("a.txt", "text", "")
		work.Name = "k"
		hash := hashOf(t, work)
		journal := writeJournal(t, note{Key: "k", Work: hash, Tag: "t"})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := runJournal(ctx, server.Client(), work, journal).Err
		assert.Equal(t, 10*time.Second, time.Since(start))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, `"t"`)
		assert.Equal(t, []note{{Key: "k", Work: hash, Tag: "t"}}, notesIn(t, journal), "nothing is forgotten")
	})
}

// The next run does not look for a job that was deleted because its upload broke.
func TestJournalForgetsAJobWithoutItsUpload(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		journal := filepath.Join(t.TempDir(), "journal")
		work := testkit.TextWork("a.txt", "text", filepath.Join(t.TempDir(), "a.pdf"), cloudconvert.WithInlineLimit(0))
		work.Name = "k"
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		server.Inject(cloudconverttest.Fault{Path: "storage:upload", Kind: cloudconverttest.Stall})
		err := runJournal(ctx, server.Client(), work, journal).Err
		require.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, testkit.JobCount(server))
		server.ClearFaults()
		start := time.Now()
		require.NoError(t, runJournal(t.Context(), server.Client(), work, journal).Err)
		assert.Less(t, time.Since(start), time.Second, "it is created at once")
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}
