package cloudconvert_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// jobCreator is a call that creates a job.
type jobCreator func(context.Context, *cloudconvert.Client, *cloudconvert.JobRequest, ...cloudconvert.CreateOption) (*cloudconvert.Job, error)

func jobCreators() map[string]jobCreator {
	return map[string]jobCreator{"Create": byCreate, "Start": byStart, "Run": byRun}
}

func byCreate(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest, opts ...cloudconvert.CreateOption) (*cloudconvert.Job, error) {
	return client.Jobs.Create(ctx, r, opts...)
}

func byStart(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest, opts ...cloudconvert.CreateOption) (*cloudconvert.Job, error) {
	return client.Start(ctx, r, runOptions(opts)...)
}

func byRun(ctx context.Context, client *cloudconvert.Client, r *cloudconvert.JobRequest, opts ...cloudconvert.CreateOption) (*cloudconvert.Job, error) {
	return client.Run(ctx, r, runOptions(opts)...)
}

// runOptions returns options of a creation as options of a run.
func runOptions(opts []cloudconvert.CreateOption) []cloudconvert.RunOption {
	var all []cloudconvert.RunOption
	for _, opt := range opts {
		all = append(all, opt)
	}
	return all
}

// onCreation makes the first creation of a job fail, in the given phase
// unless the fault has one.
func onCreation(phase cloudconverttest.Phase, f cloudconverttest.Fault) cloudconverttest.Fault {
	f.Method, f.Path, f.Nth = http.MethodPost, "/v2/jobs", 1
	if f.Phase == cloudconverttest.Before {
		f.Phase = phase
	}
	return f
}

// openOutcomes returns faults after which the outcome of a creation is unknown.
func openOutcomes() map[string]cloudconverttest.Fault {
	return map[string]cloudconverttest.Fault{
		"500":        {Status: http.StatusInternalServerError, Code: "INTERNAL_ERROR", Message: "Server Error"},
		"502 HTML":   {Status: http.StatusBadGateway},
		"503":        {Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}},
		"408":        {Status: http.StatusRequestTimeout},
		"reset":      {Kind: cloudconverttest.Reset},
		"never":      {Kind: cloudconverttest.Stall},
		"not JSON":   {Kind: cloudconverttest.Garbage},
		"no job":     {Kind: cloudconverttest.Garbage, Body: `{"data": null}`},
		"not a job":  {Kind: cloudconverttest.Garbage, Body: `{"data": {"status": "waiting"}}`},
		"empty page": {Kind: cloudconverttest.Garbage, Body: " "},
	}
}

// creations counts the requests to create a job.
func creations(server *cloudconverttest.Server) int {
	return testkit.CountRequests(server, "POST api") + testkit.CountRequests(server, "POST sync")
}

// eachCreation runs a test for each call that creates a job and each fault.
func eachCreation(t *testing.T, faults map[string]cloudconverttest.Fault,
	test func(t *testing.T, server *cloudconverttest.Server, create jobCreator, fault cloudconverttest.Fault),
) {
	t.Helper()
	for call, create := range jobCreators() {
		for name, fault := range faults {
			t.Run(call+"/"+name, func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					test(t, server, create, fault)
				}, cloudconverttest.WithTaskDuration(time.Second))
			})
		}
	}
}

func TestCreateFindsJobOfLostResponse(t *testing.T) {
	t.Parallel()
	faults := openOutcomes()
	faults["cut"] = cloudconverttest.Fault{Kind: cloudconverttest.Truncate}
	faults["reset within"] = cloudconverttest.Fault{Kind: cloudconverttest.Reset, Phase: cloudconverttest.During}
	faults["half of it"] = cloudconverttest.Fault{Kind: cloudconverttest.WrongLength}
	eachCreation(t, faults, func(t *testing.T, server *cloudconverttest.Server, create jobCreator, fault cloudconverttest.Fault) {
		t.Helper()
		server.Inject(onCreation(cloudconverttest.After, fault))
		request := testkit.TextJob()
		job, err := create(t.Context(), server.Client(), request)
		require.NoError(t, err)
		require.Equal(t, 1, testkit.JobCount(server))
		assert.Equal(t, server.Jobs()[0].ID, job.ID)
		assert.Len(t, job.Tasks, 2, "as in the lost response")
		assert.Equal(t, 1, creations(server))
		assert.Empty(t, request.Tag, "the caller's request is left as it is")
	})
}

func TestCreateReportsUnknownOutcome(t *testing.T) {
	t.Parallel()
	eachCreation(t, openOutcomes(), func(t *testing.T, server *cloudconverttest.Server, create jobCreator, fault cloudconverttest.Fault) {
		t.Helper()
		server.Inject(onCreation(cloudconverttest.Before, fault))
		job, err := create(t.Context(), server.Client(), testkit.TextJob())
		assert.Nil(t, job)
		require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
		assert.False(t, cloudconvert.IsRetryable(err))
		var outcome *cloudconvert.OutcomeError
		require.ErrorAs(t, err, &outcome)
		require.NotEmpty(t, outcome.Tag)
		assert.Contains(t, err.Error(), outcome.Tag)
		assert.Equal(t, 1, creations(server))
		assert.Zero(t, testkit.JobCount(server))
		lookups := server.Requests()[1:]
		assert.Len(t, lookups, 6)
		for _, lookup := range lookups {
			assert.Equal(t, outcome.Tag, lookup.Query.Get("filter[tag]"))
		}
	})
}

// A tag that the caller set may not be unique: a job that has it may be another one.
func TestCreateWithTagReportsUnknownOutcome(t *testing.T) {
	t.Parallel()
	eachCreation(t, openOutcomes(), func(t *testing.T, server *cloudconverttest.Server, create jobCreator, fault cloudconverttest.Fault) {
		t.Helper()
		server.Inject(onCreation(cloudconverttest.After, fault))
		request := testkit.TextJob()
		request.Tag = "mine"
		_, err := create(t.Context(), server.Client(), request)
		var outcome *cloudconvert.OutcomeError
		require.ErrorAs(t, err, &outcome)
		assert.Equal(t, "mine", outcome.Tag)
		assert.Equal(t, []string{"POST api"}, testkit.Outline(server))
		assert.Equal(t, 1, testkit.JobCount(server))
	})
}

func TestRefusedCreationHasNoUnknownOutcome(t *testing.T) {
	t.Parallel()
	faults := map[string]cloudconverttest.Fault{}
	for _, status := range []int{400, 401, 402, 403, 404, 413, 422} {
		faults[strconv.Itoa(status)] = cloudconverttest.Fault{Status: status, Code: "SOME_CODE", Message: "No."}
	}
	eachCreation(t, faults, func(t *testing.T, server *cloudconverttest.Server, create jobCreator, fault cloudconverttest.Fault) {
		t.Helper()
		server.Inject(onCreation(cloudconverttest.Before, fault))
		_, err := create(t.Context(), server.Client(), testkit.TextJob())
		require.ErrorIs(t, err, cloudconvert.Code("SOME_CODE"))
		require.NotErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
		assert.Len(t, server.Requests(), 1)
	})
}

func TestCreateSurvivesFailedLookups(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lookups cloudconverttest.Fault
		found   bool
		asked   int
	}{
		"for a while":   {cloudconverttest.Fault{Status: http.StatusServiceUnavailable, Nth: 1, Times: 4}, true, 5},
		"lost":          {cloudconverttest.Fault{Kind: cloudconverttest.Reset, Nth: 1, Times: 2}, true, 3},
		"garbage":       {cloudconverttest.Fault{Kind: cloudconverttest.Garbage, Nth: 1, Times: 2}, true, 3},
		"not in time":   {cloudconverttest.Fault{Kind: cloudconverttest.Stall, Nth: 1, Times: 2}, true, 3},
		"too many":      {cloudconverttest.Fault{Status: http.StatusTooManyRequests, Nth: 1, Times: 2}, true, 3},
		"all the time":  {cloudconverttest.Fault{Status: http.StatusServiceUnavailable}, false, 6},
		"not permitted": {cloudconverttest.Fault{Status: http.StatusForbidden}, false, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				server.Inject(onCreation(cloudconverttest.After, cloudconverttest.Fault{Kind: cloudconverttest.Reset}))
				tt.lookups.Method, tt.lookups.Path = http.MethodGet, "/v2/jobs"
				server.Inject(tt.lookups)
				start := time.Now()
				_, err := server.Client().Jobs.Create(t.Context(), testkit.TextJob())
				if tt.found {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
				}
				assert.Equal(t, 1, testkit.JobCount(server))
				assert.Equal(t, tt.asked, testkit.CountRequests(server, "GET api"))
				assert.Less(t, time.Since(start), 2*time.Minute)
			})
		})
	}
}

func TestLookupEndsWithItsContext(t *testing.T) {
	t.Parallel()
	eachCreation(t, map[string]cloudconverttest.Fault{
		"500": {Status: http.StatusInternalServerError}, "reset": {Kind: cloudconverttest.Reset}, "never": {Kind: cloudconverttest.Stall},
	}, func(t *testing.T, server *cloudconverttest.Server, create jobCreator, fault cloudconverttest.Fault) {
		t.Helper()
		server.Inject(onCreation(cloudconverttest.Before, fault))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := create(ctx, server.Client(), testkit.TextJob())
		assert.Equal(t, 5*time.Second, time.Since(start))
		require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 1, creations(server))
	})
}

// The response of the sync host takes as long as the job, and is lost most easily.
func TestRunContinuesWithTheJobItFound(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		start := time.Now()
		job, err := server.Client().Run(t.Context(), testkit.TextJob())
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.StatusFinished, job.Status)
		assert.Len(t, job.Files(), 1)
		assert.Less(t, time.Since(start), 6*time.Minute)
		assert.Equal(t, 1, testkit.JobCount(server))
		assert.Equal(t, 1, creations(server))
	}, cloudconverttest.WithTaskDuration(150*time.Second), cloudconverttest.WithSyncDrop(40*time.Second))
}

// refusing returns an option that refuses connections to a host.
func refusing(server *cloudconverttest.Server, host string) cloudconvert.Option {
	return dialing(server, func(addr string) error {
		if addr == host {
			return testkit.ErrRefused
		}
		return nil
	})
}

// dialing returns an option that calls a function before each dial.
func dialing(server *cloudconverttest.Server, fail func(addr string) error) cloudconvert.Option {
	transport := server.HTTPClient().Transport.(*http.Transport).Clone()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if err := fail(addr); err != nil {
			return nil, err
		}
		return dial(ctx, network, addr)
	}
	transport.DisableKeepAlives = true
	return cloudconvert.WithHTTPClient(&http.Client{Transport: transport})
}

func hostOf(address string) string {
	return strings.TrimSuffix(strings.TrimPrefix(address, "http://"), "/v2")
}

func TestRunUsesAPIHostWithoutSyncHost(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		start := time.Now()
		job, err := server.Client(refusing(server, hostOf(server.SyncURL))).Run(t.Context(), testkit.TextJob())
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.StatusFinished, job.Status)
		assert.Less(t, time.Since(start), time.Minute)
		assert.Equal(t, 1, testkit.JobCount(server))
		assert.Equal(t, 1, testkit.CountRequests(server, "POST api"))
		assert.Zero(t, testkit.CountRequests(server, "POST sync"))
	}, cloudconverttest.WithTaskDuration(10*time.Second))
}

func TestRunUsesAPIHostAfterRateLimit(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(onCreation(cloudconverttest.Before, cloudconverttest.Fault{
			Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"20"}},
		}))
		start := time.Now()
		_, err := server.Client().Run(t.Context(), testkit.TextJob())
		require.NoError(t, err)
		assert.GreaterOrEqual(t, time.Since(start), 20*time.Second)
		assert.Equal(t, []string{"POST sync", "POST api", "GET sync"}, testkit.Outline(server))
	})
}

// Requests to both hosts are attempts of the same call.
func TestRunCountsAttemptsOnBothHosts(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(cloudconverttest.Fault{
			Method: http.MethodPost, Path: "/v2/jobs", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"20"}},
		})
		_, err := server.Client().Run(t.Context(), testkit.TextJob())
		var refused *cloudconvert.Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, 1, testkit.CountRequests(server, "POST sync"))
		assert.Equal(t, 5, testkit.CountRequests(server, "POST api"))
		assert.Equal(t, 6, refused.Attempts)
	})
}

func TestRunRefusesUploadTasks(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		for _, task := range []cloudconvert.TaskRequest{
			cloudconvert.ImportUpload{}, cloudconvert.RawTask{Op: cloudconvert.OperationImportUpload},
		} {
			_, err := server.Client().Run(t.Context(), cloudconvert.Pipeline(task, cloudconvert.ExportURL{}))
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			assert.Contains(t, err.Error(), "import-upload")
		}
		assert.Equal(t, noRequests, testkit.Outline(server))
	})
}

func TestRunReturnsJobError(t *testing.T) {
	t.Parallel()
	for name, tag := range map[string]string{"in one request": "", "in two": "mine"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				request := cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "text", Filename: "a.txt"},
					cloudconvert.Convert{OutputFormat: "bad"}, cloudconvert.ExportURL{})
				request.Tag = tag
				job, err := server.Client().Run(t.Context(), request)
				require.ErrorIs(t, err, cloudconvert.CodeOpenFailed)
				require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
				assert.Equal(t, cloudconvert.StatusError, job.Status)
				var failure *cloudconvert.JobError
				require.ErrorAs(t, err, &failure)
				assert.Equal(t, "convert", failure.Tasks[0].Name, "and not the export that fell with it")
				assert.Equal(t, tag, server.Jobs()[0].Tag[:len(tag)])
			})
		})
	}
}

func TestFoundCreationIsLogged(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(onCreation(cloudconverttest.After, cloudconverttest.Fault{
			Status: http.StatusBadGateway, Header: http.Header{"X-Request-Id": {"request-1"}},
		}))
		var log testkit.Log
		job, err := server.Client(log.Option()).Jobs.Create(t.Context(), testkit.TextJob())
		require.NoError(t, err)
		attempts, warnings := log.Lines(slog.LevelDebug), log.Lines(slog.LevelWarn)
		require.Len(t, attempts, 2, "the creation and the lookup")
		for _, part := range []string{
			`"method":"POST"`, `"path":"/v2/jobs"`, `"status":502`, `"attempt":1`, `"duration":`, `"request_id":"request-1"`,
		} {
			assert.Contains(t, attempts[0], part)
		}
		assert.Contains(t, attempts[1], `"path":"/v2/jobs"`, "without the query")
		require.Len(t, warnings, 1)
		assert.Contains(t, warnings[0], job.ID)
		assert.Contains(t, warnings[0], "502")
		assert.NotContains(t, log.String(), server.Key())
	})
}

// Retries outside of the engine are logged like those within.
func TestRetriedCreationsAreLogged(t *testing.T) {
	t.Parallel()
	refused := testkit.Says(http.StatusPaymentRequired, `{"code": "PARALLEL_JOB_LIMIT_EXCEEDED"}`)
	limited := testkit.Says(http.StatusTooManyRequests, ``)
	created := testkit.Says(http.StatusCreated, testkit.EndedJob)
	tests := map[string]struct {
		create  jobCreator
		replies []testkit.Reply
	}{
		"queueing":            {byCreate, []testkit.Reply{refused, refused, created}},
		"queueing and a wait": {byRun, []testkit.Reply{refused, refused, created}},
		"the other host":      {byRun, []testkit.Reply{limited, created}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log testkit.Log
				client, script := testkit.NewScriptWith(t, []cloudconvert.Option{log.Option()}, tt.replies...)
				_, err := tt.create(t.Context(), client, testkit.TextJob(), cloudconvert.WithQueueing())
				require.NoError(t, err)
				assert.Len(t, script.Requests, len(tt.replies))
				warnings := log.Lines(slog.LevelWarn)
				require.Len(t, warnings, len(tt.replies)-1)
				for _, warning := range warnings {
					assert.Contains(t, warning, `"msg":"cloudconvert: retrying"`)
					assert.Contains(t, warning, `"method":"POST","path":"/base/v2/jobs","status":4`)
				}
			})
		})
	}
}

func TestInvalidRequestsAreNotSent(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				for _, request := range []*cloudconvert.JobRequest{nil, {}, cloudconvert.Pipeline(nil)} {
					_, err := create(t.Context(), server.Client(), request)
					require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				}
				_, err := create(t.Context(), server.Client(), testkit.TextJob(), cloudconvert.CaptureResponse(nil))
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				_, err = create(ctx, server.Client(), testkit.TextJob())
				require.ErrorIs(t, err, context.Canceled)
				require.NotErrorIs(t, err, cloudconvert.ErrOutcomeUnknown, "nothing was sent")
				assert.Equal(t, noRequests, testkit.Outline(server))
			})
		})
	}
}
