package cloudconvert_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// keyedCalls are the calls that create jobs. They convert a text, and write to out, which
// may be ignored.
func keyedCalls() map[string]func(ctx context.Context, client *cloudconvert.Client, text, out string, opts ...cloudconvert.CreateOption) error {
	source := func(text string) cloudconvert.Source { return cloudconvert.FromBytes("a.txt", []byte(text)) }
	return map[string]func(ctx context.Context, client *cloudconvert.Client, text, out string, opts ...cloudconvert.CreateOption) error{
		"Run": func(ctx context.Context, client *cloudconvert.Client, text, _ string, opts ...cloudconvert.CreateOption) error {
			_, err := client.Run(ctx, toPDF(source(text)), optionsAs[cloudconvert.RunOption](opts)...)
			return err
		},
		"RunFile": func(ctx context.Context, client *cloudconvert.Client, text, out string, opts ...cloudconvert.CreateOption) error {
			_, err := client.RunFile(ctx, toPDF(source(text)), out, optionsAs[cloudconvert.RunOption](opts)...)
			return err
		},
		"Start": func(ctx context.Context, client *cloudconvert.Client, text, _ string, opts ...cloudconvert.CreateOption) error {
			_, err := client.Start(ctx, toPDF(source(text)), optionsAs[cloudconvert.RunOption](opts)...)
			return err
		},
		"Convert": func(ctx context.Context, client *cloudconvert.Client, text, _ string, opts ...cloudconvert.CreateOption) error {
			_, err := client.Convert(ctx, source(text), "pdf", optionsAs[cloudconvert.ConvertOption](opts)...)
			return err
		},
		"ConvertFile": func(ctx context.Context, client *cloudconvert.Client, text, out string, opts ...cloudconvert.CreateOption) error {
			dir, err := os.MkdirTemp(filepath.Dir(out), "")
			if err != nil {
				return err
			}
			src := filepath.Join(dir, "a.txt")
			if err := os.WriteFile(src, []byte(text), 0o600); err != nil {
				return err
			}
			_, err = client.ConvertFile(ctx, src, out, optionsAs[cloudconvert.ConvertOption](opts)...)
			return err
		},
		"RunAll": func(ctx context.Context, client *cloudconvert.Client, text, out string, opts ...cloudconvert.CreateOption) error {
			var errs []error
			works := []cloudconvert.Work{testkit.TextWork("a.txt", text, out, optionsAs[cloudconvert.RunOption](opts)...)}
			for result := range client.RunAll(ctx, slices.Values(works)) {
				errs = append(errs, result.Err)
			}
			return errors.Join(errs...)
		},
		"Jobs.Create": func(ctx context.Context, client *cloudconvert.Client, _, _ string, opts ...cloudconvert.CreateOption) error {
			_, err := client.Jobs.Create(ctx, remotely(), opts...)
			return err
		},
		"Jobs.CreateForURL": func(ctx context.Context, client *cloudconvert.Client, _, _ string, opts ...cloudconvert.CreateOption) error {
			_, err := client.Jobs.CreateForURL(ctx, remotely(), opts...)
			return err
		},
	}
}

// remotely returns a request without local sources.
func remotely() *cloudconvert.JobRequest {
	return cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.Convert{OutputFormat: "pdf"}, cloudconvert.ExportURL{})
}

func optionsAs[T any](opts []cloudconvert.CreateOption) []T {
	var converted []T
	for _, opt := range opts {
		converted = append(converted, opt.(T)) //nolint:forcetypeassert // a create option is an option of all calls
	}
	return converted
}

// A second process with the same key continues the job of the first, and the lookup
// costs one request.
func TestKeyContinuesJob(t *testing.T) {
	t.Parallel()
	for name, call := range keyedCalls() {
		for _, size := range []string{"inline", "uploaded"} {
			t.Run(name+"/"+size, func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					text := "text"
					if size == "uploaded" {
						text = testkit.Content(testkit.InlineDefault + 1)
					}
					out := filepath.Join(t.TempDir(), "a.pdf")
					require.NoError(t, call(t.Context(), server.Client(), text, filepath.Join(t.TempDir(), "a.pdf")))
					without := len(server.Requests())
					require.NoError(t, call(t.Context(), server.Client(), text, out, cloudconvert.WithKey("work-42")))
					assert.Equal(t, without+1, len(server.Requests())-without, "one request more")
					job, err := server.Client().Jobs.Find(t.Context(), "work-42")
					require.NoError(t, err)
					require.NoError(t, call(t.Context(), server.Client(), text, out, cloudconvert.WithKey("work-42")))
					require.NoError(t, call(t.Context(), server.Client(), text, out, cloudconvert.WithKey("work-42"), cloudconvert.WithTakeover(time.Now())))
					assert.Equal(t, 2, testkit.JobCount(server), "one with a key, and one without")
					same, err := server.Client().Jobs.Find(t.Context(), "work-42")
					require.NoError(t, err)
					assert.Equal(t, job.ID, same.ID)
				}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
			})
		}
	}
}

// A job that cannot give a result any more is replaced.
func TestKeyReplacesJob(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, server *cloudconverttest.Server, job *cloudconvert.Job){
		"failed": func(t *testing.T, server *cloudconverttest.Server, job *cloudconvert.Job) {
			t.Helper()
			require.NoError(t, server.Client().Jobs.Cancel(t.Context(), job.ID))
		},
		"deleted": func(t *testing.T, server *cloudconverttest.Server, job *cloudconvert.Job) {
			t.Helper()
			require.NoError(t, server.Client().Jobs.Delete(t.Context(), job.ID))
		},
		"older than 24 hours": func(t *testing.T, server *cloudconverttest.Server, job *cloudconvert.Job) {
			t.Helper()
			_, err := server.Client().Jobs.Wait(t.Context(), job.ID)
			require.NoError(t, err)
			testkit.Advance(24*time.Hour + time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				first, err := server.Client().Start(t.Context(), toPDF(cloudconvert.FromBytes("a.txt", []byte("text"))), cloudconvert.WithKey("k"))
				require.NoError(t, err)
				end(t, server, first)
				start := time.Now()
				second, err := server.Client().Start(t.Context(), toPDF(cloudconvert.FromBytes("a.txt", []byte("text"))), cloudconvert.WithKey("k"))
				require.NoError(t, err)
				assert.NotEqual(t, first.ID, second.ID)
				assert.Zero(t, time.Since(start), "it is replaced at once")
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// The failed job of an earlier call is not taken for the job whose response was lost.
func TestKeySettlesLostResponse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   cloudconverttest.Fault
		format  string
		jobs    int
		wantErr error
	}{
		"created":            {cloudconverttest.Fault{Kind: cloudconverttest.Reset, Phase: cloudconverttest.After}, "pdf", 2, nil},
		"created, and fails": {cloudconverttest.Fault{Kind: cloudconverttest.Reset, Phase: cloudconverttest.After}, "bad", 2, cloudconvert.ErrJobFailed},
		"not created":        {cloudconverttest.Fault{Kind: cloudconverttest.Reset}, "pdf", 1, cloudconvert.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				request := cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Convert{OutputFormat: c.format})
				first, err := server.Client().Start(t.Context(), request, cloudconvert.WithKey("k"))
				require.NoError(t, err)
				require.NoError(t, server.Client().Jobs.Cancel(t.Context(), first.ID))
				testkit.Advance(time.Second) // jobs are ordered by seconds
				c.fault.Method, c.fault.Nth = http.MethodPost, 1
				server.Inject(c.fault)
				client := server.Client()
				second, err := client.Run(t.Context(), request, cloudconvert.WithKey("k"))
				require.ErrorIs(t, err, c.wantErr)
				assert.Equal(t, c.jobs, testkit.JobCount(server))
				if c.jobs == 2 {
					assert.NotEqual(t, first.ID, second.ID)
					return
				}
				assert.True(t, cloudconvert.IsRetryable(err), err)
				require.ErrorContains(t, err, `the next call with the key "k" looks for it`)
				start := time.Now()
				_, err = client.Run(t.Context(), request, cloudconvert.WithKey("k"))
				require.NoError(t, err)
				assert.Less(t, time.Since(start), testkit.JobTime+testkit.TaskTime+time.Second, "the call before has looked long enough")
				assert.Equal(t, 2, testkit.JobCount(server))
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// createLater creates a job as a request does that was on its way when its process ended.
func createLater(t *testing.T, server *cloudconverttest.Server, after time.Duration) {
	t.Helper()
	ctx := t.Context()
	time.AfterFunc(after, func() {
		_, err := server.Client().Start(ctx, toPDF(cloudconvert.FromBytes("a.txt", []byte("text"))), cloudconvert.WithKey("k"))
		assert.NoError(t, err)
	})
}

func TestTakeoverWaitsForRequestOnItsWay(t *testing.T) {
	t.Parallel()
	for name, failed := range map[string]bool{"no job": false, "a failed job": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				request, want := toPDF(cloudconvert.FromBytes("a.txt", []byte("text"))), 1
				if failed {
					first, err := server.Client().Start(t.Context(), request, cloudconvert.WithKey("k"))
					require.NoError(t, err)
					require.NoError(t, server.Client().Jobs.Cancel(t.Context(), first.ID))
					want = 2
				}
				createLater(t, server, 20*time.Second)
				job, err := server.Client().Run(t.Context(), request, cloudconvert.WithKey("k"), cloudconvert.WithTakeover(time.Now()))
				require.NoError(t, err)
				assert.Equal(t, cloudconvert.StatusFinished, job.Status)
				assert.Equal(t, want, testkit.JobCount(server))
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// A takeover of a key that has no job ends its search half a minute after the time when
// another process may have used it.
func TestTakeoverWithoutJob(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ age, want time.Duration }{
		"now": {0, 31 * time.Second}, "a while ago": {20 * time.Second, 11 * time.Second}, "long ago": {time.Hour, 0},
		"clock set back": {-time.Hour, 31 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				start := time.Now()
				_, err := server.Client().Start(t.Context(), toPDF(cloudconvert.FromBytes("a.txt", []byte("text"))),
					cloudconvert.WithKey("k"), cloudconvert.WithTakeover(start.Add(-c.age)))
				require.NoError(t, err)
				assert.Equal(t, c.want, time.Since(start))
				assert.Equal(t, 1, testkit.JobCount(server))
			})
		})
	}
}

// A batch that continues another waits only in its first half minute.
func TestTakeoverOfBatch(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		works := func(yield func(cloudconvert.Work) bool) {
			for work := range testkit.TextWorks(20, t.TempDir()) {
				work.Options = append(work.Options, cloudconvert.WithKey("k-"+work.Name))
				if !yield(work) {
					return
				}
			}
		}
		start := time.Now()
		for result := range server.Client().RunAll(t.Context(), works, cloudconvert.WithTakeover(start), cloudconvert.WithConcurrency(1)) {
			require.NoError(t, result.Err)
		}
		assert.Equal(t, 31*time.Second, time.Since(start).Truncate(time.Second))
		assert.Equal(t, 20, testkit.JobCount(server))
	})
}

// A client knows which of its own calls may still create a job.
func TestClientRemembersLostCreation(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client, request := server.Client(), toPDF(cloudconvert.FromBytes("a.txt", []byte("text")))
		server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Kind: cloudconverttest.Stall, Nth: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.Run(ctx, request, cloudconvert.WithKey("k"))
		require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
		assert.True(t, cloudconvert.IsRetryable(err))
		createLater(t, server, 20*time.Second)
		shared, err := client.With(cloudconvert.WithUserAgent("another"))
		require.NoError(t, err)
		_, err = shared.Run(t.Context(), request, cloudconvert.WithKey("k"))
		require.NoError(t, err)
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

// A creation that was refused has left no job to look for.
func TestKeyAfterRefusal(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client, request := server.Client(), toPDF(cloudconvert.FromBytes("a.txt", []byte("text")))
		server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Status: http.StatusUnprocessableEntity, Times: 1})
		_, err := client.Start(t.Context(), request, cloudconvert.WithKey("k"))
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		start := time.Now()
		_, err = client.Start(t.Context(), request, cloudconvert.WithKey("k"))
		require.NoError(t, err)
		assert.Zero(t, time.Since(start))
	})
}

// Calls of one client with the same key share a job, although they begin at once.
func TestCallsWithOneKeyTakeTurns(t *testing.T) {
	t.Parallel()
	for name, call := range keyedCalls() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client, text := server.Client(), testkit.Content(testkit.InlineDefault+1)
				out := filepath.Join(t.TempDir(), "a.pdf")
				var calls sync.WaitGroup
				for range 5 {
					calls.Go(func() {
						assert.NoError(t, call(t.Context(), client, text, out, cloudconvert.WithKey("k")))
					})
				}
				calls.Wait()
				assert.Equal(t, 1, testkit.JobCount(server))
				assert.LessOrEqual(t, testkit.CountRequests(server, "POST storage"), 1)
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

func TestTurnEndsWithItsContext(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		var first sync.WaitGroup
		first.Go(func() {
			_, err := client.Run(t.Context(), toPDF(cloudconvert.FromBytes("a.txt", []byte("text"))), cloudconvert.WithKey("k"))
			assert.NoError(t, err)
		})
		testkit.Advance(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.Run(ctx, toPDF(cloudconvert.FromBytes("a.txt", []byte("text"))), cloudconvert.WithKey("k"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, `another call uses the key "k"`)
		assert.True(t, cloudconvert.IsRetryable(err))
		first.Wait()
	}, cloudconverttest.WithTaskDuration(time.Minute))
}

// The job of an upload that broke stays, and the next call sends the file.
func TestKeySendsUploadsOfEarlierCall(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		text, out := testkit.Content(testkit.InlineDefault+1), filepath.Join(t.TempDir(), "a.pdf")
		request := toPDF(cloudconvert.FromBytes("a.txt", []byte(text)))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		server.Inject(cloudconverttest.Fault{Path: "storage:upload", Kind: cloudconverttest.Stall, Bytes: 100 << 10})
		_, err := server.Client().RunFile(ctx, request, out, cloudconvert.WithKey("k"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, cloudconvert.IsRetryable(err), err)
		assert.Equal(t, 1, testkit.JobCount(server))
		server.ClearFaults()
		_, err = server.Client().RunFile(t.Context(), request, out, cloudconvert.WithKey("k"))
		require.NoError(t, err)
		testkit.Same(t, "pdf: "+text, testkit.ReadFile(t, out))
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

// A browser's upload form comes with a job that is continued.
func TestKeyReturnsUploadForm(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		for range 2 {
			job, err := server.Client().Start(t.Context(), uploadedByOthers(), cloudconvert.WithKey("k"))
			require.NoError(t, err)
			task, _ := job.Task("import-upload")
			assert.NotNil(t, task.Result.Form)
			assert.Empty(t, task.Payload, "it may have credentials")
		}
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

func TestKeyRefusals(t *testing.T) {
	t.Parallel()
	key, tagged := cloudconvert.WithKey("k"), toPDF(cloudconvert.FromBytes("a.txt", []byte("text")))
	tagged.Tag = "t"
	untagged := toPDF(cloudconvert.FromBytes("a.txt", []byte("text")))
	batch := func(opts []cloudconvert.BatchOption, works ...cloudconvert.Work) func(context.Context, *cloudconvert.Client) error {
		return func(ctx context.Context, client *cloudconvert.Client) error {
			var errs []error
			for result := range client.RunAll(ctx, slices.Values(works), opts...) {
				errs = append(errs, result.Err)
			}
			return errors.Join(errs...)
		}
	}
	run := func(r *cloudconvert.JobRequest, opts ...cloudconvert.RunOption) func(context.Context, *cloudconvert.Client) error {
		return func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.RunFile(ctx, r, filepath.Join(t.TempDir(), "a.pdf"), opts...)
			return err
		}
	}
	for name, c := range map[string]struct {
		call func(context.Context, *cloudconvert.Client) error
		want string
		jobs int
	}{
		"empty":             {run(untagged, cloudconvert.WithKey("")), "the key is empty", 0},
		"twice":             {run(untagged, key, cloudconvert.WithKey("l")), "given twice", 0},
		"tag":               {run(tagged, key), "has a Tag", 0},
		"delete":            {run(untagged, key, cloudconvert.WithDelete()), "WithDelete: the next call with the key would create another job: use Jobs.Delete", 0},
		"delete on cancel":  {run(untagged, key, cloudconvert.WithDeleteOnCancel()), "WithDeleteOnCancel", 0},
		"takeover":          {run(untagged, cloudconvert.WithTakeover(time.Now())), "WithTakeover is for calls with WithKey", 0},
		"batch":             {batch([]cloudconvert.BatchOption{key}, testkit.TextWork("a.txt", "text", "")), "make it an option of the work", 0},
		"takeover in batch": {batch([]cloudconvert.BatchOption{cloudconvert.WithTakeover(time.Now())}, testkit.TextWork("a.txt", "text", "")), "WithTakeover is for calls with WithKey", 0},
		"takeover at zero":  {run(untagged, key, cloudconvert.WithTakeover(time.Time{})), "the time is zero", 0},
		"twice in a batch": {
			batch(nil, testkit.TextWork("a.txt", "text", "", key), testkit.TextWork("b.txt", "text", "", key)),
			`another work of the batch has the key "k"`, 1,
		},
		"tag of a created job": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Jobs.Create(ctx, &cloudconvert.JobRequest{Tag: "t", Tasks: remotely().Tasks}, key)
			return err
		}, "has a Tag", 0},
		"save": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.SaveAs(ctx, new(cloudconvert.Job), "a.pdf", key)
			return err
		}, "SaveAs does not accept WithKey", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				err := c.call(t.Context(), server.Client())
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				require.ErrorContains(t, err, c.want)
				assert.False(t, cloudconvert.IsRetryable(err))
				assert.Equal(t, c.jobs, testkit.JobCount(server))
			})
		})
	}
}

// Keys that the service might change are sent as hashes, and are found all the same.
func TestKeysAsTags(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		keys := []string{
			"42", "orders/42 (b).docx", strings.Repeat("k", 255), // as they are
			strings.Repeat("k", 256), strings.Repeat("k", 257), "a,b", "é", "\xff", "\xfe", " k", "k ", "a\nb", strings.Repeat("é", 5000),
		}
		for i, key := range keys {
			job, err := server.Client().Jobs.Create(t.Context(), remotely(), cloudconvert.WithKey(key))
			require.NoError(t, err)
			assert.Equal(t, i+1, testkit.JobCount(server), key)
			assert.LessOrEqual(t, len(job.Tag), 255)
			assert.Equal(t, i < 3, job.Tag == key)
			found, err := server.Client().Jobs.Find(t.Context(), key)
			require.NoError(t, err)
			assert.Equal(t, job.ID, found.ID)
		}
	})
}

// The job of another request is not handed out.
func TestKeyConflict(t *testing.T) {
	t.Parallel()
	large := testkit.Content(testkit.InlineDefault + 1)
	convert := func(options cloudconvert.Options) *cloudconvert.JobRequest {
		return cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Convert{OutputFormat: "pdf", Options: options})
	}
	fromURL := func(url string) *cloudconvert.JobRequest { return toPDF(cloudconvert.FromURL(url)) }
	s3 := func(secret string) *cloudconvert.JobRequest {
		return cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Convert{OutputFormat: "pdf"},
			cloudconvert.ExportS3{Bucket: "b", Region: "r", Key: "k", AccessKeyID: secret, SecretAccessKey: secret})
	}
	text := func(name, text string) *cloudconvert.JobRequest {
		return toPDF(cloudconvert.FromBytes(name, []byte(text)))
	}
	for name, c := range map[string]struct {
		first, second *cloudconvert.JobRequest
		want          string // "" if there is no conflict
	}{
		"same":                     {text("a.txt", "text"), text("a.txt", "text"), ""},
		"same upload":              {text("a.txt", large), text("a.txt", large), ""},
		"new credentials":          {s3("one"), s3("two"), ""},
		"new signature of the URL": {fromURL("https://example.com/a.txt?sig=1"), fromURL("https://example.com/a.txt?sig=2"), ""},
		"case of the format": {
			text("a.txt", "text"),
			cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Convert{OutputFormat: "PDF"}), "",
		},
		"odd name": {text("Ünïcode a.txt", "text"), text("U\u0308ni\u0308code a.txt", "text"), ""},
		"another format": {
			text("a.txt", "text"),
			cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Convert{OutputFormat: "page"}),
			`its task "convert" has another output_format`,
		},
		"another option": {convert(cloudconvert.Options{"pages": "1-2"}), convert(cloudconvert.Options{"pages": "3"}), "another pages"},
		"another number": {convert(cloudconvert.Options{"quality": 80}), convert(cloudconvert.Options{"quality": 90}), "another quality"},
		"number as text": {convert(cloudconvert.Options{"quality": 80}), convert(cloudconvert.Options{"quality": "80"}), ""},
		"another value in a map": {
			convert(cloudconvert.Options{"o": map[string]any{"Title": "A"}}), convert(cloudconvert.Options{"o": map[string]any{"Title": "B"}}), "another o",
		},
		"another list":   {convert(cloudconvert.Options{"o": []int{1, 2}}), convert(cloudconvert.Options{"o": []int{1, 3}}), "another o"},
		"longer list":    {convert(cloudconvert.Options{"o": []int{1, 2}}), convert(cloudconvert.Options{"o": []int{1, 2, 3}}), "another o"},
		"case of a text": {convert(cloudconvert.Options{"o": "a"}), convert(cloudconvert.Options{"o": "A"}), "another o"},
		"another query":  {fromURL("https://example.com/a.txt?id=1&sig=1"), fromURL("https://example.com/a.txt?id=2&sig=1"), "another url"},
		"another file": {
			toPDF(cloudconvert.FromFS(fstest.MapFS{"a.txt": {Data: []byte("text")}}, "a.txt")),
			toPDF(cloudconvert.FromFS(fstest.MapFS{"a.txt": {Data: []byte("longer text")}}, "a.txt")), "another source: 4 bytes, not 11",
		},
		"another name with spaces": {text("invoice 1.txt", "text"), text("invoice 2.txt", "text"), "another source"},
		"another URL":              {fromURL("https://example.com/a.txt"), fromURL("https://example.com/b.txt"), "another url"},
		"another source":           {text("a.txt", "text"), text("b.txt", "text"), `another source: "a.txt", not "b.txt"`},
		"another size":             {text("a.txt", "text"), text("a.txt", "more text"), "another source: 4 bytes, not 9"},
		"another upload":           {text("a.txt", large), text("b.txt", large), "another source"},
		"another upload size":      {text("a.txt", large), text("a.txt", large+"."), "another source"},
		"source instead of it":     {fromURL("https://example.com/a.txt"), text("a.txt", "text"), `has another operation`},
		"URL instead of it":        {text("a.txt", "text"), fromURL("https://example.com/a.txt"), `has another operation`},
		"another task": {
			text("a.txt", "text"),
			cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Optimize{}),
			`has a task "convert", which the request has not`,
		},
		"fewer tasks": {
			text("a.txt", "text"),
			cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.ExportURL{}),
			"which the request has not",
		},
		"more tasks": {
			cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.ExportURL{}),
			cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Convert{OutputFormat: "pdf"}, cloudconvert.ExportURL{}),
			`its task "export-url" has another input`,
		},
		"another graph": {
			&cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
				"a": cloudconvert.FromBytes("a.txt", []byte("text")), "b": cloudconvert.FromBytes("b.txt", []byte("text")),
				"out": cloudconvert.ExportURL{Input: []string{"a"}}, "too": cloudconvert.ExportURL{Input: []string{"b"}},
			}},
			&cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
				"a": cloudconvert.FromBytes("a.txt", []byte("text")), "b": cloudconvert.FromBytes("b.txt", []byte("text")),
				"out": cloudconvert.ExportURL{Input: []string{"b"}}, "too": cloudconvert.ExportURL{Input: []string{"a"}},
			}},
			`its task "out" has another input`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				first, err := server.Client().Start(t.Context(), c.first, cloudconvert.WithKey("k"))
				require.NoError(t, err)
				_, _ = server.Client().Jobs.Wait(t.Context(), first.ID) // some imports fail
				if failed, err := server.Client().Jobs.Get(t.Context(), first.ID); err != nil || failed.Status == cloudconvert.StatusError {
					t.Fatal("the job failed", err, failed)
				}
				second, err := server.Client().Start(t.Context(), c.second, cloudconvert.WithKey("k"))
				assert.Equal(t, 1, testkit.JobCount(server))
				if c.want == "" {
					require.NoError(t, err)
					assert.Equal(t, first.ID, second.ID)
					return
				}
				require.ErrorIs(t, err, cloudconvert.ErrKeyConflict)
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, "job "+first.ID+` has the key "k"`)
				assert.False(t, cloudconvert.IsRetryable(err))
			}, cloudconverttest.WithTransport(testkit.Says(http.StatusOK, "text")), cloudconverttest.WithAnyHost())
		})
	}
}

// A destination is checked before a job is created. For a job that is continued, a file
// with its bytes is one that an earlier call saved.
func TestKeyAndExistingFiles(t *testing.T) {
	t.Parallel()
	text := testkit.Content(testkit.InlineDefault + 1)
	for name, c := range map[string]struct {
		before bool // the file is there before the first call
		file   string
		opts   []cloudconvert.RunOption
		want   error
		jobs   int
	}{
		"before the job":        {true, "other", nil, fs.ErrExist, 0},
		"same bytes":            {false, "pdf: " + text, nil, nil, 1},
		"another size":          {false, "other", nil, fs.ErrExist, 1},
		"another byte":          {false, "pdf: " + text[:len(text)-1] + "!", nil, fs.ErrExist, 1},
		"another byte, replace": {false, "pdf: " + text[:len(text)-1] + "!", []cloudconvert.RunOption{cloudconvert.WithOverwrite()}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				out := filepath.Join(t.TempDir(), "a.pdf")
				request := toPDF(cloudconvert.FromBytes("a.txt", []byte(text)))
				if !c.before {
					_, err := server.Client().RunFile(t.Context(), request, out, cloudconvert.WithKey("k"))
					require.NoError(t, err)
				}
				testkit.WriteFile(t, out, c.file)
				paths, err := server.Client().RunFile(t.Context(), request, out, append(c.opts, cloudconvert.WithKey("k"))...)
				require.ErrorIs(t, err, c.want)
				assert.Equal(t, c.jobs, testkit.JobCount(server))
				assert.Equal(t, []string{"a.pdf"}, testkit.Listed(t, filepath.Dir(out)))
				if c.want == nil {
					assert.Equal(t, []string{out}, paths)
					testkit.Same(t, "pdf: "+text, testkit.ReadFile(t, out))
					return
				}
				testkit.Same(t, c.file, testkit.ReadFile(t, out))
				_, unsaved := errors.AsType[*cloudconvert.UnsavedError](err)
				assert.Equal(t, !c.before, unsaved)
				assert.Equal(t, !c.before, cloudconvert.IsRetryable(err))
			})
		})
	}
}

// With a key, what leaves a job is retryable, unless the job failed.
func TestIsRetryableUnderKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  cloudconverttest.Fault
		format string
		want   error
		retry  bool
	}{
		"lost creation": {cloudconverttest.Fault{Method: http.MethodPost, Kind: cloudconverttest.Reset}, "pdf", cloudconvert.ErrOutcomeUnknown, true},
		"lost upload":   {cloudconverttest.Fault{Path: "storage:upload", Status: http.StatusBadGateway}, "pdf", cloudconvert.ErrServer, true},
		"lost download": {cloudconverttest.Fault{Path: "storage:download", Status: http.StatusForbidden}, "pdf", cloudconvert.ErrForbidden, true},
		"wait":          {cloudconverttest.Fault{Method: http.MethodGet, Path: "/v2/jobs/*", Kind: cloudconverttest.Stall}, "pdf", context.DeadlineExceeded, true},
		"job failed":    {cloudconverttest.Fault{Nth: 1000}, "bad", cloudconvert.ErrJobFailed, false},
		"unauthorized":  {cloudconverttest.Fault{Status: http.StatusUnauthorized}, "pdf", cloudconvert.ErrUnauthorized, false},
		"invalid":       {cloudconverttest.Fault{Method: http.MethodPost, Status: http.StatusUnprocessableEntity}, "pdf", cloudconvert.ErrInvalid, false},
		"lookup failed": {cloudconverttest.Fault{Method: http.MethodGet, Status: http.StatusBadGateway}, "pdf", cloudconvert.ErrServer, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				server.Inject(c.fault)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				request := cloudconvert.Pipeline(
					cloudconvert.FromBytes("a.txt", []byte(testkit.Content(testkit.InlineDefault+1))), cloudconvert.Convert{OutputFormat: c.format})
				_, err := server.Client().RunFile(ctx, request, t.TempDir()+"/", cloudconvert.WithKey("k"))
				require.ErrorIs(t, err, c.want)
				assert.Equal(t, c.retry, cloudconvert.IsRetryable(err), err)
				assert.Equal(t, c.retry, cloudconvert.IsRetryable(fmt.Errorf("wrapped: %w", err)))
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// A batch continues the jobs under the keys of its works, whether it keeps a journal or
// not, and does not count their credits.
func TestBatchWithKeys(t *testing.T) {
	t.Parallel()
	for _, journaled := range []bool{false, true} {
		t.Run(fmt.Sprint("journal ", journaled), func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				dir, out := t.TempDir(), t.TempDir()
				opts := []cloudconvert.BatchOption{cloudconvert.WithBudget(3)}
				if journaled {
					opts = append(opts, cloudconvert.WithJournal(filepath.Join(dir, "journal")))
				}
				works := func(yield func(cloudconvert.Work) bool) {
					for work := range testkit.TextWorks(3, out) {
						work.Options = append(work.Options, cloudconvert.WithKey("k-"+work.Name))
						if !yield(work) {
							return
						}
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				for result := range server.Client().RunAll(ctx, works, opts...) {
					require.ErrorIs(t, result.Err, context.DeadlineExceeded)
					assert.True(t, cloudconvert.IsRetryable(result.Err))
				}
				assert.Equal(t, 3, testkit.JobCount(server))
				for range 2 {
					for result := range server.Client().RunAll(t.Context(), works, opts...) {
						require.NoError(t, result.Err)
						assert.Len(t, result.Files, 1)
					}
				}
				assert.Equal(t, 3, testkit.JobCount(server))
				assert.Len(t, testkit.Listed(t, out), 3)
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		create := func(format string) string {
			testkit.Advance(time.Second)
			request := cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Convert{OutputFormat: format})
			request.Tag = "t"
			job, _ := client.Run(t.Context(), request)
			require.NotNil(t, job)
			return job.ID
		}
		find := func() string {
			job, err := client.Jobs.Find(t.Context(), "t")
			require.NoError(t, err)
			assert.NotEmpty(t, job.Tasks)
			return job.ID
		}
		_, err := client.Jobs.Find(t.Context(), "t")
		require.ErrorIs(t, err, cloudconvert.ErrNotFound)
		require.ErrorContains(t, err, `"t"`)
		_, err = client.Jobs.Find(t.Context(), "")
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		odd, err := client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tag: "Müller, 42", Tasks: remotely().Tasks})
		require.NoError(t, err)
		found, err := client.Jobs.Find(t.Context(), "Müller, 42")
		require.NoError(t, err)
		assert.Equal(t, odd.ID, found.ID, "a tag that would be hashed as a key")
		create("bad")
		newest := create("bad")
		assert.Equal(t, newest, find(), "the newest, if all have failed")
		create("pdf")
		newest = create("pdf")
		create("bad")
		create("bad")
		create("bad")
		assert.Equal(t, newest, find(), "the newest that has not failed, on a later page")
	}, cloudconverttest.WithPerPage(2))
}
