package cloudconverttest

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
)

func TestListJobs(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	var ids []any
	for i := range 5 {
		job := x.run(quick, dict{"tag": "tag-" + strconv.Itoa(i%2)})
		ids = append([]any{job["id"]}, ids...)
	}
	failed := x.run(dict{"in": dict{"operation": "import/raw", "file": "x", "filename": "no-extension"}})
	open := x.job(dict{"in": dict{"operation": "import/upload"}})
	ids = append([]any{open["id"], failed["id"]}, ids...)

	for query, want := range map[string][]any{
		"":                           ids,
		"?filter[status]=finished":   ids[2:],
		"?filter%5Bstatus%5D=error":  ids[1:2],
		"?filter[status]=processing": ids[:1],
		"?filter[tag]=tag-1":         {ids[3], ids[5]},
		"?filter[tag]=no":            {},
		"?per_page=3":                ids[:3],
		"?per_page=3&page=2":         ids[3:6],
		"?per_page=3&page=3":         ids[6:],
		"?per_page=3&page=4":         {},
		"?per_page=1000&page=9223372036854775807": {},
		"?filter[tag]=tag-0&per_page=1":           {ids[2]},
	} {
		got := []any{}
		for _, item := range x.call(http.MethodGet, "/jobs"+query, nil).expect(http.StatusOK).items() {
			got = append(got, item["id"])
			assert.NotContains(t, item, "tasks")
		}
		assert.Equal(t, want, got, query)
	}
	for _, item := range x.call(http.MethodGet, "/jobs?include=tasks", nil).expect(http.StatusOK).items() {
		assert.Len(t, item["tasks"], 1)
	}
	for field, message := range map[string]string{
		"filter[status]=waiting": "The selected filter.status is invalid.",
		"page=0":                 "The page must be at least 1.",
		"per_page=x":             "The per_page must be an integer.",
	} {
		a := x.call(http.MethodGet, "/jobs?"+field, nil).expect(http.StatusUnprocessableEntity)
		assert.Contains(t, string(a.body), message)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithPerPage(2))
	for range 5 {
		x.job(quick, dict{"tag": "a/b c"})
	}
	type links struct{ prev, next bool }
	for page, want := range map[string]struct {
		links
		n, from, to int
	}{
		"1": {links{false, true}, 2, 1, 2},
		"2": {links{true, true}, 2, 3, 4},
		"3": {links{true, false}, 1, 5, 5},
		"4": {links{true, false}, 0, 0, 0},
	} {
		list := x.call(http.MethodGet, "/jobs?filter[tag]=a/b%20c&page="+page, nil).expect(http.StatusOK).object()
		l, _ := list["links"].(map[string]any)
		meta, _ := list["meta"].(map[string]any)
		assert.Nil(t, l["last"])
		assert.Contains(t, l, "last")
		assert.NotContains(t, meta, "total")
		assert.NotContains(t, meta, "last_page")
		assert.Equal(t, x.s.URL+"/jobs", meta["path"])
		assert.InDelta(t, 2, meta["per_page"], 0)
		assert.Equal(t, want.prev, l["prev"] != nil)
		assert.Equal(t, want.next, l["next"] != nil)
		assert.Len(t, list["data"], want.n)
		if want.n == 0 {
			assert.Nil(t, meta["from"])
			assert.Nil(t, meta["to"])
			continue
		}
		assert.InDelta(t, want.from, meta["from"], 0)
		assert.InDelta(t, want.to, meta["to"], 0)
	}
	seen := map[any]bool{}
	next := "/jobs?filter[tag]=a/b%20c"
	for next != "" {
		list := x.call(http.MethodGet, next, nil).expect(http.StatusOK)
		for _, item := range list.items() {
			seen[item["id"]] = true
		}
		l, _ := list.object()["links"].(map[string]any)
		next = str(l["next"])
	}
	assert.Len(t, seen, 5)
}

func TestListTasks(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	job := x.run(dict{
		"in":  dict{"operation": "import/raw", "file": "x", "filename": "a.txt"},
		"out": dict{"operation": "export/url", "input": "in"},
	})
	x.run(quick)
	alone := x.call(http.MethodPost, "/import/upload", dict{}).expect(http.StatusCreated).data()
	for query, n := range map[string]int{
		"": 4, "?filter[operation]=import/raw": 2, "?filter[operation]=export/url": 1, "?filter[status]=waiting": 1,
		"?filter[status]=finished": 3, "?filter[job_id]=" + str(job["id"]): 2, "?filter[job_id]=" + random.ID(): 0,
		"?filter[job_id]=" + str(job["id"]) + "&filter[operation]=export/url": 1, "?per_page=3": 3, "?per_page=3&page=2": 1,
	} {
		assert.Len(t, x.call(http.MethodGet, "/tasks"+query, nil).expect(http.StatusOK).items(), n, query)
	}
	first := x.call(http.MethodGet, "/tasks?include=payload,job", nil).expect(http.StatusOK).items()
	assert.Equal(t, alone["id"], first[0]["id"], "newest first")
	assert.Equal(t, dict{"operation": "import/upload"}, first[0]["payload"])
	require.NotNil(t, first[1]["job"])
	a := x.call(http.MethodGet, "/tasks?filter[status]=queued", nil).expect(http.StatusUnprocessableEntity)
	assert.Contains(t, string(a.body), "The selected filter.status is invalid.")
}
