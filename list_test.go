package cloudconvert_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// pageOf returns a page of jobs with a link to the next one.
func pageOf(next string, ids ...string) testkit.Reply {
	jobs := []map[string]any{}
	for _, id := range ids {
		jobs = append(jobs, map[string]any{"id": id, "status": "finished"})
	}
	var link any
	if next != "" {
		link = next
	}
	body, err := json.Marshal(map[string]any{"data": jobs, "links": map[string]any{"next": link}})
	if err != nil {
		return testkit.Fails(err)
	}
	return testkit.Says(http.StatusOK, string(body))
}

// collect returns the ids of all jobs of an iteration, and its error.
func collect(t *testing.T, client *cloudconvert.Client, options cloudconvert.JobListOptions) (ids []string, failure error) {
	t.Helper()
	for job, err := range client.Jobs.All(t.Context(), options) {
		require.NoError(t, failure, "an error ends the iteration")
		if err != nil {
			require.Nil(t, job)
			failure = err
			continue
		}
		ids = append(ids, job.ID)
	}
	return ids, failure
}

func TestListReturnsAPage(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.Recorded(t, "jobs-page.json")))
	page, err := client.Jobs.List(t.Context(), cloudconvert.JobListOptions{
		Status: cloudconvert.StatusProcessing, Tag: "a&b", Include: []cloudconvert.Include{cloudconvert.IncludeTasks}, PerPage: 2, Page: 1,
	})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"GET https://api.example.com/base/v2/jobs?filter%5Bstatus%5D=processing&filter%5Btag%5D=a%26b&include=tasks&page=1&per_page=2",
	}, script.URLs())
	require.Len(t, page.Data, 2)
	assert.Equal(t, cloudconvert.StatusProcessing, page.Data[0].Status)
	assert.Equal(t, "a", page.Data[0].Tag)
	assert.Empty(t, page.Data[0].Tasks)
	assert.Equal(t, cloudconvert.PageLinks{
		First: "https://api.cloudconvert.com/v2/jobs?page=1", Next: "https://api.cloudconvert.com/v2/jobs?page=2",
	}, page.Links)
	assert.Equal(t, cloudconvert.PageMeta{
		CurrentPage: 1, From: 1, To: 2, PerPage: 2, Path: "https://api.cloudconvert.com/v2/jobs",
	}, page.Meta)
}

func TestListOfTasks(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, `{"data": [{"id": "1"}]}`))
	page, err := client.Tasks.List(t.Context(), cloudconvert.TaskListOptions{
		JobID: "j", Status: cloudconvert.StatusError, Operation: cloudconvert.OperationImportS3,
		Include: []cloudconvert.Include{cloudconvert.IncludePayload, cloudconvert.IncludeJob}, PerPage: 5, Page: 2,
	})
	require.NoError(t, err)
	assert.Len(t, page.Data, 1)
	assert.Equal(t, []string{"GET https://api.example.com/base/v2/tasks?filter%5Bjob_id%5D=j" +
		"&filter%5Boperation%5D=import%2Fs3&filter%5Bstatus%5D=error&include=payload%2Cjob&page=2&per_page=5"}, script.URLs())
}

func TestListToleratesUnexpectedTypes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`{"data": []}`: 0,
		`{"data": [], "links": null, "meta": null}`:                                                                             0,
		`{"data": [], "links": [], "meta": []}`:                                                                                 0,
		`{"data": [], "meta": {"from": null, "to": null, "current_page": "1"}}`:                                                 0,
		`{"data": [{"id": 1}], "links": "none", "meta": 12}`:                                                                    1,
		`{"data": [{"id": "1", "tasks": null}], "links": {"next": false}, "meta": {"per_page": "100", "total": 1, "path": []}}`: 1,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			client, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, body))
			page, err := client.Jobs.List(t.Context(), cloudconvert.JobListOptions{})
			require.NoError(t, err)
			assert.Len(t, page.Data, want)
		})
	}
}

func TestAllFollowsQueryOfLink(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t,
		pageOf("https://evil.example.com/elsewhere?page=2", "1", "2"), pageOf("/other?page=3&cursor=c", "3"), pageOf("", "4"))
	ids, err := collect(t, client, cloudconvert.JobListOptions{Tag: "a", PerPage: 2})
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "2", "3", "4"}, ids)
	const base = "GET https://api.example.com/base/v2/jobs?"
	assert.Equal(t, []string{
		base + "filter%5Btag%5D=a&per_page=2",
		base + "filter%5Btag%5D=a&page=2&per_page=2",
		base + "cursor=c&filter%5Btag%5D=a&page=3&per_page=2",
	}, script.URLs())
	for _, req := range script.Requests {
		assert.Equal(t, "api.example.com", req.URL.Host)
	}
}

func TestAllFollowsACursor(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, pageOf("?cursor=a", "1"), pageOf("?cursor=b", "2"), pageOf("", "3"))
	ids, err := collect(t, client, cloudconvert.JobListOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "2", "3"}, ids)
	assert.Len(t, script.Requests, 3)
}

func TestAllIsLazy(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, pageOf("?page=2", "1", "2"), pageOf("?page=3", "3"))
	jobs := client.Jobs.All(t.Context(), cloudconvert.JobListOptions{})
	require.Empty(t, script.URLs(), "no page is requested yet")
	for job := range jobs {
		if job.ID == "2" {
			break
		}
	}
	assert.Len(t, script.URLs(), 1, "the next page is not requested")
	for job := range jobs {
		if job.ID == "3" {
			break
		}
	}
	// A second iteration starts from the beginning; the script continues.
	assert.Len(t, script.URLs(), 2)
}

func TestAllStopsWithTheConsumer(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, pageOf("?page=2", "1", "2", "3"))
	count := 0
	client.Jobs.All(t.Context(), cloudconvert.JobListOptions{})(func(*cloudconvert.Job, error) bool {
		count++
		return count < 2
	})
	assert.Equal(t, 2, count)
	assert.Len(t, script.URLs(), 1)
}

func TestAllCopiesItsOptions(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, pageOf("?page=2", "1"), pageOf("", "2"))
	include := []cloudconvert.Include{cloudconvert.IncludeTasks}
	jobs := client.Jobs.All(t.Context(), cloudconvert.JobListOptions{Include: include})
	for range jobs {
		include[0] = "changed"
	}
	require.Len(t, script.Requests, 2)
	for _, req := range script.Requests {
		assert.Equal(t, "tasks", req.URL.Query().Get("include"))
	}
}

func TestAllYieldsAnErrorOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		replies []testkit.Reply
		ids     []string
		is      error
	}{
		"first page":  {[]testkit.Reply{testkit.Says(401, ``)}, nil, cloudconvert.ErrUnauthorized},
		"second page": {[]testkit.Reply{pageOf("?page=2", "1"), testkit.Says(404, ``)}, []string{"1"}, cloudconvert.ErrNotFound},
		"garbage":     {[]testkit.Reply{pageOf("?page=2", "1"), testkit.Says(200, `<html>`)}, []string{"1"}, nil},
		"no list":     {[]testkit.Reply{testkit.Says(200, `{"data": {"id": "1"}}`)}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, c.replies...)
			ids, err := collect(t, client, cloudconvert.JobListOptions{})
			assert.Equal(t, c.ids, ids)
			var e *cloudconvert.Error
			require.ErrorAs(t, err, &e)
			assertOnly(t, c.is, err)
			assert.Len(t, script.Requests, len(c.replies))
		})
	}
}

func TestAllStopsAtRepeatedPages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options cloudconvert.JobListOptions
		next    []string
	}{
		"first page, unnamed": {cloudconvert.JobListOptions{}, []string{"?page=1"}},
		"first page, named":   {cloudconvert.JobListOptions{Page: 1}, []string{"?page=1"}},
		"no query":            {cloudconvert.JobListOptions{}, []string{"https://api.example.com/base/v2/jobs"}},
		"same page":           {cloudconvert.JobListOptions{}, []string{"?page=2", "?page=2"}},
		"back and forth":      {cloudconvert.JobListOptions{}, []string{"?page=2", "?page=1"}},
		"back to the middle":  {cloudconvert.JobListOptions{Page: 7}, []string{"?page=3"}},
		"not a number":        {cloudconvert.JobListOptions{}, []string{"?page=last"}},
		"the same cursor":     {cloudconvert.JobListOptions{}, []string{"?cursor=a", "?cursor=a"}},
		"not a URL":           {cloudconvert.JobListOptions{}, []string{"https://a b/?page=2"}},
		"cursors by turns":    {cloudconvert.JobListOptions{}, []string{"?page=2", "?cursor=a", "?cursor=b", "?cursor=a"}},
		"back to the start":   {cloudconvert.JobListOptions{}, []string{"?cursor=a", "?cursor=b", "?cursor=c", "?cursor=a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var replies []testkit.Reply
			var want []string
			for i, next := range c.next {
				want = append(want, strconv.Itoa(i))
				replies = append(replies, pageOf(next, strconv.Itoa(i)))
			}
			replies = append(replies, testkit.Fails(errors.New("one page too many")))
			client, script := testkit.NewScript(t, replies...)
			ids, err := collect(t, client, c.options)
			assert.Equal(t, want, ids)
			require.ErrorContains(t, err, "the link to the next page")
			assert.Len(t, script.Requests, len(c.next))
		})
	}
}

func TestListSkipsMalformedEntries(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t,
		testkit.Says(http.StatusOK, `{"data": [null, {"id": "1"}, 12, "text", [], {}, {"id": 2}], "links": {"next": "?page=2"}}`),
		testkit.Says(http.StatusOK, `{"data": [null], "links": {"next": "?page=3"}}`),
		testkit.Says(http.StatusOK, `{"data": [{"id": null}, {"id": "3", "tasks": [1, {"id": "4"}]}]}`),
	)
	var jobs []cloudconvert.Job
	for job, err := range client.Jobs.All(t.Context(), cloudconvert.JobListOptions{}) {
		require.NoError(t, err)
		jobs = append(jobs, *job)
	}
	assert.Equal(t, []cloudconvert.Job{{ID: "1"}, {ID: "2"}, {ID: "3", Tasks: []cloudconvert.Task{{ID: "4"}}}}, jobs)
	assert.Len(t, script.URLs(), 3, "a page with only malformed entries is not an empty page")
}

func TestAllContinuesAfterAPage(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, pageOf("?cursor=a", "1"), pageOf("?cursor=b", "2"), pageOf("", "3"))
	ids, err := collect(t, client, cloudconvert.JobListOptions{Page: 2})
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "2", "3"}, ids)
	assert.Len(t, script.Requests, 3)
}

func TestAllEndsAtAnEmptyPage(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, pageOf("?page=2", "1"), pageOf("?page=3"))
	ids, err := collect(t, client, cloudconvert.JobListOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"1"}, ids)
	assert.Len(t, script.Requests, 2)
}

func TestAllFollowsPagesOfTasks(t *testing.T) {
	t.Parallel()
	client, _ := testkit.NewScript(t, pageOf("?page=2", "1"), pageOf("", "2"))
	var ids []string
	for task, err := range client.Tasks.All(t.Context(), cloudconvert.TaskListOptions{}) {
		require.NoError(t, err)
		ids = append(ids, task.ID)
	}
	assert.Equal(t, []string{"1", "2"}, ids)
}

func TestPageRoundTrip(t *testing.T) {
	t.Parallel()
	var first, second cloudconvert.Page[cloudconvert.Job]
	require.NoError(t, json.Unmarshal([]byte(testkit.Recorded(t, "jobs-page.json")), &first))
	encoded, err := json.Marshal(first)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, &second))
	assert.Equal(t, first, second)
	assert.Equal(t, cloudconvert.Page[cloudconvert.Job]{Data: second.Data, Links: second.Links, Meta: second.Meta}, first)
}

// shifting returns a server with this number of jobs, which it lists in pages of ten.
func shifting(t *testing.T, jobs int) (*cloudconverttest.Server, *cloudconvert.Client, func() string) {
	t.Helper()
	server := testkit.NewSandbox(t)
	client := server.Client()
	create := func() string { return testkit.RunJob(t, client).ID }
	for range jobs {
		create()
	}
	return server, client, create
}

var byTen = cloudconvert.JobListOptions{PerPage: 10}

// A job that is created during the iteration moves others to later pages.
func TestAllYieldsNothingTwice(t *testing.T) {
	t.Parallel()
	for name, every := range map[string]int{"one for each": 1, "one for three": 3, "one for each page": 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, client, create := shifting(t, 45)
			seen := map[string]int{}
			for job, err := range client.Jobs.All(t.Context(), byTen) {
				require.NoError(t, err)
				if seen[job.ID]++; len(seen)%every == 0 {
					create()
				}
				require.LessOrEqual(t, len(seen), 100)
			}
			for id, times := range seen {
				assert.Equal(t, 1, times, id)
			}
			assert.GreaterOrEqual(t, len(seen), 45, "none is skipped")
		})
	}
}

// A job that is deleted in the loop moves others to earlier pages.
func TestAllSkipsNothing(t *testing.T) {
	t.Parallel()
	for name, pick := range map[string]func(n int) bool{
		"each":        func(int) bool { return true },
		"every other": func(n int) bool { return n%2 == 0 },
		"the first":   func(n int) bool { return n == 0 },
		"the last":    func(n int) bool { return n == 44 },
		"none":        func(int) bool { return false },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client, _ := shifting(t, 45)
			before := len(server.Requests())
			seen, deleted := map[string]int{}, 0
			for job, err := range client.Jobs.All(t.Context(), byTen) {
				require.NoError(t, err)
				if pick(len(seen)) {
					require.NoError(t, client.Jobs.Delete(t.Context(), job.ID))
					deleted++
				}
				seen[job.ID]++
			}
			assert.Len(t, seen, 45)
			for id, times := range seen {
				assert.Equal(t, 1, times, id)
			}
			assert.Equal(t, 45-deleted, testkit.JobCount(server))
			if deleted == 0 {
				assert.Len(t, server.Requests(), before+5, "no page is read again without need")
			}
		})
	}
}

// Deletions by a client that shares the limiter must not make the iteration read
// one page forever.
func TestAllEndsDuringDeletions(t *testing.T) {
	t.Parallel()
	server, client, create := shifting(t, 30)
	other, err := client.With()
	require.NoError(t, err)
	seen := 0
	for _, err := range client.Jobs.All(t.Context(), byTen) {
		require.NoError(t, err)
		seen++
		require.NoError(t, other.Jobs.Delete(t.Context(), create()))
	}
	assert.Equal(t, 30, seen)
	assert.Equal(t, 30, testkit.JobCount(server))
}

func TestAllOfAllServicesYieldsNothingTwice(t *testing.T) {
	t.Parallel()
	page := func(next, entries string) testkit.Reply {
		return testkit.Says(http.StatusOK, `{"data": [`+entries+`], "links": {"next": "`+next+`"}}`)
	}
	t.Run("tasks", func(t *testing.T) {
		t.Parallel()
		client, _ := testkit.NewScript(t, page("?page=2", `{"id": "1"}, {"id": "2"}, {"id": "2"}`), page("", `{"id": "2"}, {"id": "3"}`))
		var ids []string
		for task, err := range client.Tasks.All(t.Context(), cloudconvert.TaskListOptions{}) {
			require.NoError(t, err)
			ids = append(ids, task.ID)
		}
		assert.Equal(t, []string{"1", "2", "3"}, ids)
	})
	t.Run("webhooks", func(t *testing.T) {
		t.Parallel()
		client, _ := testkit.NewScript(t, page("?page=2", `{"id": "1"}, {"id": "2"}`), page("", `{"id": "2"}, {"id": "3"}`))
		var ids []string
		for webhook, err := range client.Webhooks.All(t.Context(), cloudconvert.WebhookListOptions{}) {
			require.NoError(t, err)
			ids = append(ids, webhook.ID)
		}
		assert.Equal(t, []string{"1", "2", "3"}, ids)
	})
	t.Run("formats", func(t *testing.T) {
		t.Parallel()
		pair := func(input, engine string) string {
			return `{"operation": "convert", "input_format": "` + input + `", "output_format": "pdf", "engine": "` + engine + `"}`
		}
		client, _ := testkit.NewScript(t, page("?page=2", pair("a", "x")+","+pair("b", "x")), page("", pair("b", "x")+","+pair("b", "y")))
		var pairs []string
		for format, err := range client.Formats.All(t.Context(), cloudconvert.FormatListOptions{}) {
			require.NoError(t, err)
			pairs = append(pairs, format.InputFormat+format.Engine)
		}
		assert.Equal(t, []string{"ax", "bx", "by"}, pairs)
	})
}
