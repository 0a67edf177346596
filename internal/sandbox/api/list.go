package api

import (
	"iter"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// maxPerPage bounds a page. The limit of the service is not documented.
const maxPerPage = 1000

// window is the requested part of a list.
type window struct{ page, perPage int }

func (c *call) window(p request.Problems) window {
	return window{page: c.positive(p, "page", 1), perPage: min(c.positive(p, "per_page", c.api.cfg.PerPage), maxPerPage)}
}

func (c *call) positive(p request.Problems, name string, otherwise int) int {
	v := c.r.URL.Query().Get(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	switch {
	case err != nil:
		p.Add(name, "The "+name+" must be an integer.")
	case n < 1:
		p.Add(name, "The "+name+" must be at least 1.")
	}
	return n
}

// filter returns the value of a filter, which must be one of allowed, if there are any.
func (c *call) filter(p request.Problems, name string, allowed ...string) string {
	v := c.r.URL.Query().Get("filter[" + name + "]")
	if v != "" && len(allowed) > 0 && !slices.Contains(allowed, v) {
		p.Add("filter."+name, "The selected filter."+name+" is invalid.")
	}
	return v
}

// pick returns the window of all values that match, and whether more follow.
func pick[T any](all iter.Seq[T], w window, match func(T) bool) (items []T, more bool) {
	skip := math.MaxInt
	if w.page-1 < math.MaxInt/w.perPage {
		skip = (w.page - 1) * w.perPage
	}
	items = []T{}
	for v := range all {
		switch {
		case !match(v):
		case skip > 0:
			skip--
		case len(items) == w.perPage:
			return items, true
		default:
			items = append(items, v)
		}
	}
	return items, false
}

// page responds with a page of a list. As with the service, there is neither a total nor
// a last page.
func (c *call) page(data any, n int, w window, more bool) error {
	path := c.api.origin + c.r.URL.Path
	out := wire.Page{
		Data:  data,
		Links: wire.PageLinks{First: c.pageLink(path, 1)},
		Meta:  wire.PageMeta{CurrentPage: w.page, Path: path, PerPage: w.perPage},
	}
	if w.page > 1 {
		out.Links.Prev = new(c.pageLink(path, w.page-1))
	}
	if more {
		out.Links.Next = new(c.pageLink(path, w.page+1))
	}
	if n > 0 {
		first := (w.page-1)*w.perPage + 1
		out.Meta.From, out.Meta.To = &first, new(first+n-1)
	}
	return c.json(http.StatusOK, out)
}

// pageLink returns the URL of another page of the list.
func (c *call) pageLink(path string, page int) string {
	q := url.Values{}
	for name, values := range c.r.URL.Query() {
		if name != "page" {
			q[name] = values
		}
	}
	q.Set("page", strconv.Itoa(page))
	return path + "?" + q.Encode()
}

func (a *API) listJobs(c *call) error {
	p := request.Problems{}
	w, status, tag := c.window(p), c.filter(p, "status", jobs.Processing, jobs.Finished, jobs.Failed), c.filter(p, "tag")
	if len(p) > 0 {
		return p.Err()
	}
	tasks, data, more := c.include()["tasks"], []wire.Job{}, false
	a.cfg.Jobs.View(func() {
		var found []*jobs.Job
		found, more = pick(a.cfg.Jobs.NewestFirst(tag), w, func(j *jobs.Job) bool {
			return status == "" || j.Status == status || status == jobs.Processing && j.Status == jobs.Waiting
		})
		for _, j := range found {
			data = append(data, a.Job(j, tasks))
		}
	})
	return c.page(data, len(data), w, more)
}

func (a *API) listTasks(c *call) error {
	p := request.Problems{}
	w, status := c.window(p), c.filter(p, "status", jobs.Waiting, jobs.Processing, jobs.Finished, jobs.Failed)
	jobID, operation := c.filter(p, "job_id"), c.filter(p, "operation")
	if len(p) > 0 {
		return p.Err()
	}
	include, data, more := c.include(), []wire.Task{}, false
	a.cfg.Jobs.View(func() {
		var found []*jobs.Task
		found, more = pick(a.cfg.Jobs.TasksNewestFirst(jobID), w, func(t *jobs.Task) bool {
			return (status == "" || t.Status == status) && (operation == "" || t.Operation == operation)
		})
		for _, t := range found {
			data = append(data, a.Task(t, include))
		}
	})
	return c.page(data, len(data), w, more)
}
