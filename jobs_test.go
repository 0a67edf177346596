package cloudconvert_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		request := testkit.TextJob()
		request.Tag = "mine"
		created, err := client.Jobs.Create(t.Context(), request)
		require.NoError(t, err)
		assert.False(t, created.Status.Terminal())
		testkit.RunJob(t, client)

		got, err := client.Jobs.Get(t.Context(), created.ID)
		require.NoError(t, err)
		assert.Equal(t, "mine", got.Tag)
		assert.Len(t, got.Tasks, 2)

		page, err := client.Jobs.List(t.Context(), cloudconvert.JobListOptions{Tag: "mine"})
		require.NoError(t, err)
		require.Len(t, page.Data, 1)
		assert.Equal(t, created.ID, page.Data[0].ID)
		assert.Empty(t, page.Data[0].Tasks)

		var all []string
		for job, err := range client.Jobs.All(t.Context(), cloudconvert.JobListOptions{PerPage: 1, Include: []cloudconvert.Include{"tasks"}}) {
			require.NoError(t, err)
			assert.Len(t, job.Tasks, 2)
			all = append(all, job.ID)
		}
		assert.Len(t, all, 2)
		assert.Contains(t, all, created.ID)

		require.NoError(t, client.Jobs.Delete(t.Context(), created.ID))
		_, err = client.Jobs.Get(t.Context(), created.ID)
		require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

// A retried deletion that returns 404 succeeded if a lost attempt may have
// deleted the job.
func TestJobsDeleteAfterLostResponses(t *testing.T) {
	t.Parallel()
	lost := cloudconverttest.Fault{Kind: cloudconverttest.Reset, Phase: cloudconverttest.After}
	failed := cloudconverttest.Fault{Status: http.StatusBadGateway, Phase: cloudconverttest.After}
	refused := cloudconverttest.Fault{Status: http.StatusTooManyRequests}
	tests := map[string]struct {
		faults   []cloudconverttest.Fault
		gone     bool // before the call
		notFound bool
	}{
		"at once":                         {},
		"response lost":                   {faults: []cloudconverttest.Fault{lost}},
		"failed":                          {faults: []cloudconverttest.Fault{failed}},
		"lost and refused":                {faults: []cloudconverttest.Fault{lost, refused}},
		"gone":                            {gone: true, notFound: true},
		"gone and refused":                {gone: true, faults: []cloudconverttest.Fault{refused}, notFound: true},
		"gone, and the response was lost": {gone: true, faults: []cloudconverttest.Fault{lost}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				id := testkit.RunJob(t, client).ID
				if tt.gone {
					require.NoError(t, client.Jobs.Delete(t.Context(), id))
				}
				for i, fault := range tt.faults {
					fault.Method, fault.Nth = http.MethodDelete, i+1
					server.Inject(fault)
				}
				err := client.Jobs.Delete(t.Context(), id)
				if tt.notFound {
					require.ErrorIs(t, err, cloudconvert.ErrNotFound)
				} else {
					require.NoError(t, err)
				}
				assert.Zero(t, testkit.JobCount(server))
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// A captive portal responds to every request with its login page.
func TestDeleteRefusesOtherResponses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply   testkit.Reply
		deleted bool
	}{
		"empty":     {testkit.Says(http.StatusNoContent, ""), true},
		"a message": {testkit.Says(http.StatusOK, `{"message": "deleted"}`), true},
		"a page":    {testkit.Says(http.StatusOK, "<html>Please log in</html>", "Content-Type", "text/html"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, tt.reply)
			err := client.Jobs.Delete(t.Context(), "job-1")
			assert.Equal(t, tt.deleted, err == nil)
			assert.Equal(t, !tt.deleted, cloudconvert.IsRetryable(err))
			assert.Len(t, script.Requests, 1)
		})
	}
}

// An attempt that was not sent proves nothing about the job.
func TestDeleteReturnsNotFoundAfterUnsentAttempt(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dials := 0
		client := server.Client(dialing(server, func(string) error {
			if dials++; dials == 1 {
				return testkit.ErrRefused
			}
			return nil
		}))
		require.ErrorIs(t, client.Jobs.Delete(t.Context(), "some-job"), cloudconvert.ErrNotFound)
		assert.Equal(t, 2, dials)
	})
}

func TestCancelEndsTheJob(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := testkit.RunJob(t, client)
		testkit.Advance(testkit.TaskTime + time.Second) // one task has ended, one runs
		require.NoError(t, client.Jobs.Cancel(t.Context(), created.ID))
		job, err := client.Jobs.Wait(t.Context(), created.ID)
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		require.ErrorIs(t, err, cloudconvert.CodeCancelled)
		in, _ := job.Task("import-raw")
		out, _ := job.Task("export-url")
		assert.Equal(t, cloudconvert.StatusFinished, in.Status)
		assert.Equal(t, cloudconvert.StatusError, out.Status)
		require.NoError(t, client.Jobs.Cancel(t.Context(), created.ID), "all tasks have ended")
		assert.Equal(t, 1, cancellations(server))
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func cancellations(server *cloudconverttest.Server) int {
	count := 0
	for _, request := range server.Requests() {
		if strings.HasSuffix(request.Path, "/cancel") {
			count++
		}
	}
	return count
}

func TestCancelToleratesEndedTasks(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created, err := client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
			"a": cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, "b": cloudconvert.ExportURL{Input: []string{"a"}},
		}})
		require.NoError(t, err)
		require.NoError(t, client.Jobs.Cancel(t.Context(), created.ID))
		assert.Equal(t, 2, cancellations(server), "the second task failed with the first")
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func TestCancelReportsFailures(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := testkit.RunJob(t, client)
		server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Status: http.StatusForbidden})
		err := client.Jobs.Cancel(t.Context(), created.ID)
		require.ErrorIs(t, err, cloudconvert.ErrForbidden)
		for _, name := range []string{"import-raw", "export-url"} {
			assert.Contains(t, err.Error(), name)
		}
		require.ErrorIs(t, client.Jobs.Cancel(t.Context(), "some-job"), cloudconvert.ErrNotFound)
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func TestResultURLNeedsEndedJob(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := testkit.RunJob(t, client)
		_, err := client.Jobs.ResultURL(t.Context(), created.ID)
		require.Error(t, err, "it has not ended")
		job, err := client.Jobs.Wait(t.Context(), created.ID)
		require.NoError(t, err)
		address, err := client.Jobs.ResultURL(t.Context(), created.ID)
		require.NoError(t, err)
		plain, _, _ := strings.Cut(job.Files()[0].URL, "?")
		assert.True(t, strings.HasPrefix(address, plain+"?"), address)
		assert.Zero(t, testkit.CountRequests(server, "GET storage"), "the URL is not requested")
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func TestCreateWithRedirectReturnsURL(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault cloudconverttest.Fault
		tag   string
		want  []string
	}{
		"redirected":   {want: []string{"POST sync"}},
		"tagged":       {tag: "a-tag", want: []string{"POST api", "GET sync"}},
		"rate limited": {fault: cloudconverttest.Fault{Status: http.StatusTooManyRequests}, want: []string{"POST sync", "POST api", "GET sync"}},
		"lost":         {fault: cloudconverttest.Fault{Kind: cloudconverttest.Reset, Phase: cloudconverttest.After}, want: []string{"POST sync", "GET api"}},
		"no location":  {fault: cloudconverttest.Fault{Status: http.StatusFound, Phase: cloudconverttest.After}, want: []string{"POST sync", "GET api"}},
		"relative":     {fault: leadsTo(http.StatusFound, "/login"), want: []string{"POST sync", "GET api"}},
		"not http":     {fault: leadsTo(http.StatusFound, "ftp://storage.example.com/a"), want: []string{"POST sync", "GET api"}},
		"no host":      {fault: leadsTo(http.StatusFound, "https:///a"), want: []string{"POST sync", "GET api"}},
		"moved":        {fault: leadsTo(http.StatusMovedPermanently, "https://storage.example.com/a"), want: []string{"POST sync", "GET api"}},
		"307":          {fault: leadsTo(http.StatusTemporaryRedirect, "https://storage.example.com/a"), want: []string{"POST sync", "GET api"}},
		"308":          {fault: leadsTo(http.StatusPermanentRedirect, "https://storage.example.com/a"), want: []string{"POST sync", "GET api"}},
		"never":        {fault: cloudconverttest.Fault{Kind: cloudconverttest.Stall, Phase: cloudconverttest.After}, want: []string{"POST sync", "GET api"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				if c.fault.Status != 0 || c.fault.Kind != 0 {
					server.Inject(onCreation(c.fault.Phase, c.fault))
				}
				request := testkit.TextJob()
				request.Tag = c.tag
				address, err := server.Client().Jobs.CreateForURL(t.Context(), request)
				require.NoError(t, err)
				assert.Equal(t, c.want, testkit.Outline(server))
				assert.Equal(t, 1, testkit.JobCount(server))
				assert.False(t, request.Redirect, "the caller's request is not changed")
				job, err := server.Client().Jobs.Get(t.Context(), server.Jobs()[0].ID)
				require.NoError(t, err)
				want, _, _ := strings.Cut(job.Files()[0].URL, "?")
				got, _, _ := strings.Cut(address, "?")
				assert.Equal(t, want, got)
				for _, seen := range server.Requests() {
					if seen.Role != "sync" {
						assert.NotContains(t, string(seen.Body), "redirect", "only the sync host gets the parameter")
					}
				}
			}, cloudconverttest.WithTaskDuration(time.Second))
		})
	}
}

// leadsTo replaces the response to a successful creation by a redirect.
func leadsTo(status int, location string) cloudconverttest.Fault {
	return cloudconverttest.Fault{Status: status, Phase: cloudconverttest.After, Header: http.Header{"Location": {location}}}
}

func TestCreateWithRedirectFollows303(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusSeeOther, "", "Location", "https://storage.example.com/a?sig=1"))
	address, err := client.Jobs.CreateForURL(t.Context(), testkit.TextJob())
	require.NoError(t, err)
	assert.Equal(t, "https://storage.example.com/a?sig=1", address)
	assert.Len(t, script.Requests, 1)
}

func TestResultURLRefusesInvalidLocations(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"", "/login", "ftp://storage.example.com/a", "https:///a?sig=s3cr3t", "https://%zz/?sig=s3cr3t"} {
		client, _ := testkit.NewScript(t, testkit.Says(http.StatusFound, "", "Location", location))
		address, err := client.Jobs.ResultURL(t.Context(), "job-1")
		require.Error(t, err, location)
		assert.Empty(t, address)
		assert.NotContains(t, everythingIn(t, err), "s3cr3t")
	}
}

func TestCreateWithRedirectReportsFailedJob(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		_, err := server.Client().Jobs.CreateForURL(t.Context(), cloudconvert.Pipeline(
			cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.Convert{OutputFormat: "unheard-of"}, cloudconvert.ExportURL{},
		))
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	})
}

func TestRedirectIsRefusedWhereAJobIsReturned(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t)
	redirected := testkit.TextJob()
	redirected.Redirect = true
	require.NoError(t, redirected.Validate())
	for _, create := range jobCreators() {
		_, err := create(t.Context(), client, redirected)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		require.ErrorContains(t, err, "CreateForURL")
	}
	for name, request := range map[string]*cloudconvert.JobRequest{
		"nil":       nil,
		"no export": cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}),
		"upload":    cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.ExportURL{}),
	} {
		_, err := client.Jobs.CreateForURL(t.Context(), request)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid, name)
	}
	assert.Empty(t, script.Requests)
}

func TestAllJobsRequestsPagesLazily(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		for range 3 {
			testkit.RunJob(t, client)
		}
		jobs := client.Jobs.All(t.Context(), cloudconvert.JobListOptions{PerPage: 1})
		assert.Zero(t, testkit.CountRequests(server, "GET api"))
		for range jobs {
			break
		}
		assert.Equal(t, 1, testkit.CountRequests(server, "GET api"))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var failures []error
		for _, err := range client.Jobs.All(ctx, cloudconvert.JobListOptions{PerPage: 1}) {
			failures = append(failures, err)
			cancel()
		}
		require.Len(t, failures, 2)
		require.ErrorIs(t, failures[1], context.Canceled)
	})
}
