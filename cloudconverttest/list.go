package cloudconverttest

import (
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// maxPerPage bounds a page. The limit of the service is not documented.
const maxPerPage = 1000

// window is the requested part of a list.
type window struct{ page, perPage int }

func (c *call) window(p request.Problems) window {
	return window{page: c.positive(p, "page", 1), perPage: min(c.positive(p, "per_page", c.s.cfg.perPage), maxPerPage)}
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
	skip := (w.page - 1) * w.perPage
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
	path := c.s.origin + c.r.URL.Path
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

func (s *Server) listJobs(c *call) error {
	p := request.Problems{}
	w, status, tag := c.window(p), c.filter(p, "status", working, finished, erroneous), c.filter(p, "tag")
	if len(p) > 0 {
		return p.Err()
	}
	data, more := s.pageOfJobs(w, status, tag, c.include()["tasks"])
	return c.page(data, len(data), w, more)
}

func (s *Server) pageOfJobs(w window, status, tag string, tasks bool) ([]wire.Job, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := &s.jobs
	if tag != "" {
		all = s.tagged[tag]
	}
	if all == nil {
		return []wire.Job{}, false
	}
	jobs, more := pick(all.newestFirst(), w, func(j *job) bool {
		return status == "" || j.status == status || status == working && j.status == waiting
	})
	data := make([]wire.Job, len(jobs))
	for i, j := range jobs {
		data[i] = s.wireJob(j, tasks)
	}
	return data, more
}

func (s *Server) listTasks(c *call) error {
	p := request.Problems{}
	w, status := c.window(p), c.filter(p, "status", waiting, working, finished, erroneous)
	jobID, operation := c.filter(p, "job_id"), c.filter(p, "operation")
	if len(p) > 0 {
		return p.Err()
	}
	data, more := s.pageOfTasks(w, jobID, c.include(), func(t *task) bool {
		return (status == "" || t.status == status) && (operation == "" || t.operation == operation)
	})
	return c.page(data, len(data), w, more)
}

func (s *Server) pageOfTasks(w window, jobID string, include map[string]bool, match func(*task) bool) ([]wire.Task, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.tasks.newestFirst()
	if jobID != "" {
		all = s.tasksOf(jobID)
	}
	tasks, more := pick(all, w, match)
	data := make([]wire.Task, len(tasks))
	for i, t := range tasks {
		data[i] = s.wireTask(t, include)
	}
	return data, more
}

// tasksOf yields the tasks of a job, the newest first.
func (s *Server) tasksOf(jobID string) iter.Seq[*task] {
	j, ok := s.jobs.get(jobID)
	if !ok {
		return func(func(*task) bool) {}
	}
	tasks := slices.Concat(j.tasks, slices.DeleteFunc(slices.Clone(j.copies), func(t *task) bool { return t.deleted }))
	slices.Reverse(tasks)
	return slices.Values(tasks)
}
