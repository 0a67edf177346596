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
)

func TestJobs(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		request := textJob()
		request.Tag = "mine"
		created, err := client.Jobs.Create(t.Context(), request)
		require.NoError(t, err)
		assert.False(t, created.Status.Terminal())
		runJob(t, client)

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
	}, cloudconverttest.WithTaskDuration(taskTime))
}

// A deletion that finds nothing did its work, if it may have before its answer got lost.
func TestDeleteTwice(t *testing.T) {
	t.Parallel()
	lost := cloudconverttest.Fault{Kind: cloudconverttest.Reset, Phase: cloudconverttest.After}
	failed := cloudconverttest.Fault{Status: http.StatusBadGateway, Phase: cloudconverttest.After}
	refused := cloudconverttest.Fault{Status: http.StatusTooManyRequests}
	tests := map[string]struct {
		faults   []cloudconverttest.Fault
		gone     bool // before the call
		notFound bool
	}{
		"at once":                       {},
		"answer lost":                   {faults: []cloudconverttest.Fault{lost}},
		"failed":                        {faults: []cloudconverttest.Fault{failed}},
		"lost and refused":              {faults: []cloudconverttest.Fault{lost, refused}},
		"gone":                          {gone: true, notFound: true},
		"gone and refused":              {gone: true, faults: []cloudconverttest.Fault{refused}, notFound: true},
		"gone, and the answer was lost": {gone: true, faults: []cloudconverttest.Fault{lost}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				id := runJob(t, client).ID
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
				assert.Zero(t, jobCount(server))
			}, cloudconverttest.WithTaskDuration(taskTime))
		})
	}
}

// A network that wants a login answers with a page, whatever was asked for.
func TestDeletionThatIsNone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer  reply
		deleted bool
	}{
		"empty":     {says(http.StatusNoContent, ""), true},
		"a message": {says(http.StatusOK, `{"message": "deleted"}`), true},
		"a page":    {says(http.StatusOK, "<html>Please log in</html>", "Content-Type", "text/html"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := newScripted(t, tt.answer)
			err := client.Jobs.Delete(t.Context(), "job-1")
			assert.Equal(t, tt.deleted, err == nil)
			assert.Equal(t, !tt.deleted, cloudconvert.IsRetryable(err))
			assert.Len(t, script.requests, 1)
		})
	}
}

// A first attempt that never left proves nothing about the job.
func TestDeleteNotSentAtFirst(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dials := 0
		client := server.Client(dialing(server, func(string) error {
			if dials++; dials == 1 {
				return errRefused
			}
			return nil
		}))
		require.ErrorIs(t, client.Jobs.Delete(t.Context(), "some-job"), cloudconvert.ErrNotFound)
		assert.Equal(t, 2, dials)
	})
}

func TestCancelJob(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := runJob(t, client)
		advance(taskTime + time.Second) // one task has ended, one runs
		require.NoError(t, client.Jobs.Cancel(t.Context(), created.ID))
		job, err := client.Jobs.Wait(t.Context(), created.ID)
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		require.ErrorIs(t, err, cloudconvert.CodeCancelled)
		in, _ := job.Task("import-raw")
		out, _ := job.Task("export-url")
		assert.Equal(t, cloudconvert.StatusFinished, in.Status)
		assert.Equal(t, cloudconvert.StatusError, out.Status)
		require.NoError(t, client.Jobs.Cancel(t.Context(), created.ID), "nothing is left to do")
		assert.Equal(t, 1, cancellations(server))
	}, cloudconverttest.WithTaskDuration(taskTime))
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

// Tasks that end while the others are being cancelled are no failure.
func TestCancelJobThatEnds(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created, err := client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
			"a": cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, "b": cloudconvert.ExportURL{Input: []string{"a"}},
		}})
		require.NoError(t, err)
		require.NoError(t, client.Jobs.Cancel(t.Context(), created.ID))
		assert.Equal(t, 2, cancellations(server), "the second task fell with the first")
	}, cloudconverttest.WithTaskDuration(taskTime))
}

func TestCancelJobFailures(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := runJob(t, client)
		server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Status: http.StatusForbidden})
		err := client.Jobs.Cancel(t.Context(), created.ID)
		require.ErrorIs(t, err, cloudconvert.ErrForbidden)
		for _, name := range []string{"import-raw", "export-url"} {
			assert.Contains(t, err.Error(), name)
		}
		require.ErrorIs(t, client.Jobs.Cancel(t.Context(), "some-job"), cloudconvert.ErrNotFound)
	}, cloudconverttest.WithTaskDuration(taskTime))
}

func TestResultURLOfARunningJob(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := runJob(t, client)
		_, err := client.Jobs.ResultURL(t.Context(), created.ID)
		require.Error(t, err, "it has not ended")
		job, err := client.Jobs.Wait(t.Context(), created.ID)
		require.NoError(t, err)
		address, err := client.Jobs.ResultURL(t.Context(), created.ID)
		require.NoError(t, err)
		plain, _, _ := strings.Cut(job.Files()[0].URL, "?")
		assert.True(t, strings.HasPrefix(address, plain+"?"), address)
		assert.Zero(t, countRequests(server, "GET storage"), "it is not followed")
	}, cloudconverttest.WithTaskDuration(taskTime))
}

func TestCreateForURL(t *testing.T) {
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
		"no web URL":   {fault: leadsTo(http.StatusFound, "ftp://storage.example.com/a"), want: []string{"POST sync", "GET api"}},
		"no host":      {fault: leadsTo(http.StatusFound, "https:///a"), want: []string{"POST sync", "GET api"}},
		"moved":        {fault: leadsTo(http.StatusMovedPermanently, "https://storage.example.com/a"), want: []string{"POST sync", "GET api"}},
		"repeat":       {fault: leadsTo(http.StatusTemporaryRedirect, "https://storage.example.com/a"), want: []string{"POST sync", "GET api"}},
		"repeat ever":  {fault: leadsTo(http.StatusPermanentRedirect, "https://storage.example.com/a"), want: []string{"POST sync", "GET api"}},
		"never":        {fault: cloudconverttest.Fault{Kind: cloudconverttest.Stall, Phase: cloudconverttest.After}, want: []string{"POST sync", "GET api"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				if c.fault.Status != 0 || c.fault.Kind != 0 {
					server.Inject(onCreation(c.fault.Phase, c.fault))
				}
				request := textJob()
				request.Tag = c.tag
				address, err := server.Client().Jobs.CreateForURL(t.Context(), request)
				require.NoError(t, err)
				assert.Equal(t, c.want, outline(server))
				assert.Equal(t, 1, jobCount(server))
				assert.False(t, request.Redirect, "the caller's request is left as it is")
				job, err := server.Client().Jobs.Get(t.Context(), server.Jobs()[0].ID)
				require.NoError(t, err)
				want, _, _ := strings.Cut(job.Files()[0].URL, "?")
				got, _, _ := strings.Cut(address, "?")
				assert.Equal(t, want, got)
				for _, seen := range server.Requests() {
					if seen.Role != "sync" {
						assert.NotContains(t, string(seen.Body), "redirect", "only the host that waits knows it")
					}
				}
			}, cloudconverttest.WithTaskDuration(time.Second))
		})
	}
}

// leadsTo is a redirect in place of the response to a creation that took place.
func leadsTo(status int, location string) cloudconverttest.Fault {
	return cloudconverttest.Fault{Status: status, Phase: cloudconverttest.After, Header: http.Header{"Location": {location}}}
}

func TestCreateForURLBySeeOther(t *testing.T) {
	t.Parallel()
	client, script := newScripted(t, says(http.StatusSeeOther, "", "Location", "https://storage.example.com/a?sig=1"))
	address, err := client.Jobs.CreateForURL(t.Context(), textJob())
	require.NoError(t, err)
	assert.Equal(t, "https://storage.example.com/a?sig=1", address)
	assert.Len(t, script.requests, 1)
}

func TestResultURLNeedsAURL(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"", "/login", "ftp://storage.example.com/a", "https:///a?sig=s3cr3t", "https://%zz/?sig=s3cr3t"} {
		client, _ := newScripted(t, says(http.StatusFound, "", "Location", location))
		address, err := client.Jobs.ResultURL(t.Context(), "job-1")
		require.Error(t, err, location)
		assert.Empty(t, address)
		assert.NotContains(t, everythingIn(t, err), "s3cr3t")
	}
}

func TestCreateForURLOfAFailedJob(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		_, err := server.Client().Jobs.CreateForURL(t.Context(), cloudconvert.Pipeline(
			cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.Convert{OutputFormat: "unheard-of"}, cloudconvert.ExportURL{},
		))
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	})
}

func TestRedirectIsRefusedWhereItCannotWork(t *testing.T) {
	t.Parallel()
	client, script := newScripted(t)
	redirected := textJob()
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
	assert.Empty(t, script.requests)
}

// An iteration asks for the next page when it is needed, and not before.
func TestAllJobsIsLazy(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		for range 3 {
			runJob(t, client)
		}
		jobs := client.Jobs.All(t.Context(), cloudconvert.JobListOptions{PerPage: 1})
		assert.Zero(t, countRequests(server, "GET api"))
		for range jobs {
			break
		}
		assert.Equal(t, 1, countRequests(server, "GET api"))
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
