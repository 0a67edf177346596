package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// silence is a network on which some requests get no response: they end with their context, or so much later.
type silence struct {
	next http.RoundTripper
	on   []string // methods and paths
	late time.Duration
}

func (s *silence) RoundTrip(req *http.Request) (*http.Response, error) {
	if !slices.ContainsFunc(s.on, func(pattern string) bool { return matches(pattern, req) }) {
		return s.next.RoundTrip(req)
	}
	<-req.Context().Done()
	if s.late > 0 {
		testkit.Advance(s.late)
	}
	return nil, req.Context().Err()
}

// matches reports whether a request is meant by a method and the beginning of a path, which "$" ends.
func matches(pattern string, req *http.Request) bool {
	method, path, _ := strings.Cut(pattern, " ")
	whole, ends := strings.CutSuffix(path, "$")
	return (method == req.Method || method == "*") && (req.URL.Path == whole || !ends && strings.HasPrefix(req.URL.Path, path))
}

// silent returns a client of a server that some requests get no response from.
func silent(server *cloudconverttest.Server, late time.Duration, on ...string) *cloudconvert.Client {
	network := &silence{next: server.HTTPClient().Transport, on: on, late: late}
	return server.Client(cloudconvert.WithHTTPClient(&http.Client{Transport: network}))
}

// The requests of a conversion.
const (
	creating    = "POST /v2/jobs"
	lookingUp   = "GET /v2/jobs$"
	uploading   = "POST /storage/"
	waiting     = "GET /v2/jobs/"
	downloading = "GET /storage/"
	deleting    = "DELETE /v2/"
)

// lifetime is how long the contexts of these tests last.
const lifetime = 9 * time.Second

// expiring returns a context that ends after its lifetime, by a deadline or because it is cancelled.
func expiring(t *testing.T, cancelled bool) context.Context {
	t.Helper()
	if !cancelled {
		ctx, cancel := context.WithTimeout(t.Context(), lifetime)
		t.Cleanup(cancel)
		return ctx
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(lifetime, cancel)
	return ctx
}

// endsInTime checks that something that began at a time has ended with its context, or within a second of that.
func endsInTime(t *testing.T, began time.Time, err error) {
	t.Helper()
	assert.GreaterOrEqual(t, time.Since(began), lifetime)
	assert.Less(t, time.Since(began), lifetime+time.Second)
	require.Error(t, err)
	assert.False(t, cloudconvert.IsRetryable(err))
}

// endOfConversion is a conversion whose context ends.
type endOfConversion struct {
	opts   []cloudconvert.RunOption
	silent []string // requests that get no response
	names  string   // what the error names: a "tag" or an "id"
}

func endsOfConversions() map[string]endOfConversion {
	upload, remove := cloudconvert.WithInlineLimit(0), cloudconvert.WithDelete()
	return map[string]endOfConversion{
		"creation, inline":             {nil, []string{creating}, "tag"},
		"creation, uploaded":           {[]cloudconvert.RunOption{upload}, []string{creating}, "tag"},
		"creation and look-up":         {[]cloudconvert.RunOption{upload}, []string{creating, lookingUp}, "tag"},
		"everything":                   {[]cloudconvert.RunOption{upload}, []string{"* /"}, "tag"},
		"upload":                       {[]cloudconvert.RunOption{upload}, []string{uploading}, ""},
		"upload and deletion":          {[]cloudconvert.RunOption{upload}, []string{uploading, deleting}, "id"},
		"upload and deletion, deleted": {[]cloudconvert.RunOption{upload, remove}, []string{uploading, deleting}, "id"},
		"wait":                         {[]cloudconvert.RunOption{upload}, []string{waiting}, "id"},
		"wait and deletion":            {[]cloudconvert.RunOption{upload, remove}, []string{waiting, deleting}, "id"},
		"download":                     {nil, []string{downloading}, "id"},
		"download, deleted":            {[]cloudconvert.RunOption{remove}, []string{downloading, deleting}, "id"},
		"deletion after all went well": {[]cloudconvert.RunOption{remove}, []string{deleting}, "id"},
	}
}

// check checks that an error names what is left of a conversion.
func (c endOfConversion) check(t *testing.T, server *cloudconverttest.Server, err error) {
	t.Helper()
	assert.Zero(t, unnamed(server, err), "jobs that wait for their upload and are not in the error")
	switch c.names {
	case "tag":
		var outcome *cloudconvert.OutcomeError
		require.ErrorAs(t, err, &outcome)
		assert.NotEmpty(t, outcome.Tag)
		assert.Contains(t, err.Error(), outcome.Tag)
	case "id":
		for _, job := range server.Jobs() {
			if strings.Contains(err.Error(), job.ID) {
				return
			}
		}
		assert.Fail(t, "no job is named", err.Error())
	}
}

// unnamed counts the jobs that wait for an upload and that an error does not name.
func unnamed(server *cloudconverttest.Server, err error) int {
	count := 0
	for _, job := range server.Jobs() {
		if job.Status == "waiting" && !strings.Contains(err.Error(), job.ID) {
			count++
		}
	}
	return count
}

// textPipeline is the conversion of a file.
func textPipeline(t *testing.T) *cloudconvert.JobRequest {
	t.Helper()
	src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
	return cloudconvert.Pipeline(cloudconvert.FromFile(src), cloudconvert.Convert{OutputFormat: "pdf"})
}

// In every phase, and with a service that does not respond: the call returns within a second, and the error names what could
// not be removed.
func TestRunFileEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, c := range endsOfConversions() {
		for how, cancelled := range map[string]bool{"deadline": false, "cancelled": true} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					r := textPipeline(t)
					began := time.Now()
					_, err := silent(server, 0, c.silent...).RunFile(expiring(t, cancelled), r, filepath.Join(t.TempDir(), "a.pdf"), c.opts...)
					endsInTime(t, began, err)
					c.check(t, server, err)
				})
			})
		}
	}
}

// A batch removes the jobs of its works concurrently, with and without a journal.
func TestRunAllEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, c := range endsOfConversions() {
		for how, journal := range map[string]bool{"journal": true, "no journal": false} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					var opts []cloudconvert.BatchOption
					for _, opt := range c.opts {
						opts = append(opts, opt)
					}
					if journal {
						opts = append(opts, cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal")))
					}
					began, results := time.Now(), 0
					for result := range silent(server, 0, c.silent...).RunAll(expiring(t, true), testkit.TextWorks(20, t.TempDir()), opts...) {
						endsInTime(t, began, result.Err)
						results++
					}
					assert.Equal(t, 8, results)
				})
			})
		}
	}
}

// A tag that the caller set may not be unique: the creation is not looked for, and the error has the tag.
func TestRunWithATagEndsWithItsContext(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		r := textPipeline(t)
		r.Tag = "mine"
		began := time.Now()
		_, err := silent(server, 0, "* /").Run(expiring(t, true), r, cloudconvert.WithInlineLimit(0))
		endsInTime(t, began, err)
		require.ErrorContains(t, err, `"mine"`)
	})
}

// The context ends while a lost creation is looked up, or while the batch waits for limits.
func TestRunAllAfterFaultsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudconverttest.Fault{
		"lost":          {Kind: cloudconverttest.Reset, Phase: cloudconverttest.After},
		"not there":     {Status: http.StatusBadGateway},
		"rate limit":    {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}},
		"too many jobs": {Status: http.StatusPaymentRequired, Code: "PARALLEL_JOB_LIMIT_EXCEEDED"},
		"refused":       {Kind: cloudconverttest.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				fault.Method, fault.Path = http.MethodPost, "/v2/jobs"
				server.Inject(fault)
				began, results := time.Now(), 0
				for result := range silent(server, 0, lookingUp).RunAll(expiring(t, true), testkit.TextWorks(20, t.TempDir()), cloudconvert.WithInlineLimit(0)) {
					endsInTime(t, began, result.Err)
					assert.Zero(t, max(unnamed(server, result.Err)-testkit.JobCount(server), 0))
					results++
				}
				assert.Equal(t, 8, results)
			})
		})
	}
}

// stuckReader gives a little and then nothing, until its test is over.
type stuckReader struct {
	text string
	over <-chan struct{}
}

func (r *stuckReader) Read(p []byte) (int, error) {
	if r.text == "" {
		<-r.over
		return 0, io.EOF
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

// sizedReader states how much is left to read.
type sizedReader struct {
	io.Reader

	size int
}

func (r sizedReader) Len() int { return r.size }

func TestConvertOfASlowReaderEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"unknown length": -1, "inline": 100, "uploaded": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				over := make(chan struct{})
				defer close(over)
				var reader io.Reader = &stuckReader{"some text", over}
				if size >= 0 {
					reader = sizedReader{reader, size}
				}
				src := cloudconvert.FromReader("a.txt", reader)
				began := time.Now()
				_, err := server.Client().Convert(expiring(t, true), src, "pdf")
				endsInTime(t, began, err)
				testkit.Advance(time.Second) // in which the server gives up the connection
				assert.Zero(t, testkit.JobCount(server))
			})
		})
	}
}

// The deletion takes a second at most, and the error names a job that is left.
func TestDeleteOnCancelEndsWithItsContext(t *testing.T) {
	t.Parallel()
	remove := cloudconvert.WithDeleteOnCancel()
	for name, wait := range map[string]func(ctx context.Context, client *cloudconvert.Client, job *cloudconvert.Job) (id string, err error){
		"Jobs.Wait": func(ctx context.Context, client *cloudconvert.Client, job *cloudconvert.Job) (string, error) {
			_, err := client.Jobs.Wait(ctx, job.ID, remove)
			return job.ID, err
		},
		"Jobs.Watch": func(ctx context.Context, client *cloudconvert.Client, job *cloudconvert.Job) (string, error) {
			var last error
			for _, err := range client.Jobs.Watch(ctx, job.ID, remove) {
				last = err
			}
			return job.ID, last
		},
		"Tasks.Wait": func(ctx context.Context, client *cloudconvert.Client, job *cloudconvert.Job) (string, error) {
			_, err := client.Tasks.Wait(ctx, job.Tasks[0].ID, remove)
			return job.Tasks[0].ID, err
		},
		"Await": func(ctx context.Context, client *cloudconvert.Client, job *cloudconvert.Job) (string, error) {
			_, err := client.Jobs.Wait(ctx, job.ID, remove, cloudconvert.WithSignal(client.Webhooks.NewWaiter()))
			return job.ID, err
		},
	} {
		for _, late := range []time.Duration{0, 5 * time.Second} {
			t.Run(fmt.Sprint(name, " ", late), func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					job := testkit.RunJob(t, server.Client())
					client := silent(server, late, deleting)
					if late > 0 {
						client = silent(server, late, deleting, "GET /v2/")
					}
					began := time.Now()
					id, err := wait(expiring(t, false), client, job)
					endsInTime(t, began.Add(late), err)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.NotErrorIs(t, err, context.Canceled)
					require.ErrorContains(t, err, "Delete")
					require.ErrorContains(t, err, id)
				}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
			})
		}
	}
}

// A transport that does not end with the context of a request delays the call once, not a second time for the clean-up.
func TestRunFileWaitsOnceForALateTransport(t *testing.T) {
	t.Parallel()
	const late = 5 * time.Second
	for name, c := range endsOfConversions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				r := textPipeline(t)
				began := time.Now()
				_, err := silent(server, late, c.silent...).RunFile(expiring(t, true), r, filepath.Join(t.TempDir(), "a.pdf"), c.opts...)
				assert.Less(t, time.Since(began), lifetime+late+time.Second)
				require.Error(t, err)
				c.check(t, server, err)
			})
		})
	}
}

func TestCancelAndSaveEndWithTheirContext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		silent string
		call   func(ctx context.Context, client *cloudconvert.Client, running, ended *cloudconvert.Job) error
	}{
		"Cancel": {"POST /v2/tasks/", func(ctx context.Context, client *cloudconvert.Client, running, _ *cloudconvert.Job) error {
			return client.Jobs.Cancel(ctx, running.ID)
		}},
		"Save": {downloading, func(ctx context.Context, client *cloudconvert.Client, _, ended *cloudconvert.Job) error {
			files := slices.Repeat(ended.Files(), 20)
			_, err := client.Save(ctx, t.TempDir(), files)
			return err
		}},
		"renewal": {"GET /v2/tasks/", func(ctx context.Context, client *cloudconvert.Client, _, ended *cloudconvert.Job) error {
			file := ended.Files()[0]
			file.URL, _, _ = strings.Cut(file.URL, "?")
			_, err := client.Save(ctx, t.TempDir(), []cloudconvert.File{file})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				ended, err := server.Client().Run(t.Context(), testkit.TextJob())
				require.NoError(t, err)
				running := testkit.RunJob(t, server.Client())
				began := time.Now()
				err = c.call(expiring(t, true), silent(server, 0, c.silent), running, ended)
				assert.Equal(t, lifetime, time.Since(began))
				require.ErrorIs(t, err, context.Canceled)
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// lastResponse is a network on which the context of the caller ends right after the response to a creation.
type lastResponse struct {
	next http.RoundTripper
	end  context.CancelFunc
}

func (l *lastResponse) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	if err != nil || req.Method != http.MethodPost {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	l.end()
	return resp, err
}

func TestJobWithAllItsFilesStaysWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest) error{
		"Start": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest) error {
			_, err := client.Start(ctx, r)
			return err
		},
		"Run": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest) error {
			_, err := client.Run(ctx, r)
			return err
		},
		"RunAll": func(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest) error {
			var err error
			for result := range client.RunAll(ctx, slices.Values([]cloudconvert.Work{{Request: r}}), cloudconvert.WithJournal(filepath.Join(t.TempDir(), "journal"))) {
				err = errors.Join(err, result.Err)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				client := server.Client(cloudconvert.WithHTTPClient(&http.Client{Transport: &lastResponse{server.HTTPClient().Transport, cancel}}))
				if err := run(ctx, client, textPipeline(t)); err != nil {
					require.ErrorIs(t, err, context.Canceled)
				}
				testkit.Advance(time.Minute)
				assert.Equal(t, 1, testkit.JobCount(server))
				assert.Zero(t, testkit.CountRequests(server, "DELETE api"))
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}
