package cloudconvert

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/go-querystring/query"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/recent"
)

// Page is one page of a list.
type Page[T any] struct {
	// Data has the entries. Entries that are null or not a T, such as a job without
	// an id, are left out. [CaptureResponse] returns the page as it was received.
	Data  []T       `json:"data"`
	Links PageLinks `json:"links,omitzero"`
	Meta  PageMeta  `json:"meta,omitzero"`

	allLeftOut bool // there were entries, but none is a T
}

// PageLinks has the URLs of other pages. Next is empty on the last page. Last is
// always empty: the service does not return the number of pages.
type PageLinks struct {
	First string `json:"first,omitzero"`
	Last  string `json:"last,omitzero"`
	Prev  string `json:"prev,omitzero"`
	Next  string `json:"next,omitzero"`
}

// PageMeta describes the position of a page in its list. From and To are the
// numbers of its first and last entry, and 0 on an empty page.
type PageMeta struct {
	CurrentPage int    `json:"current_page,omitzero"`
	From        int    `json:"from,omitzero"`
	To          int    `json:"to,omitzero"`
	PerPage     int    `json:"per_page,omitzero"`
	Path        string `json:"path,omitzero"`
}

// UnmarshalJSON decodes a page. It tolerates fields of unexpected types. A page
// without a list of entries is an error.
func (p *Page[T]) UnmarshalJSON(data []byte) error {
	var wire struct {
		Data  pageEntries[T] `json:"data"`
		Links lenient.Object[struct {
			First, Last, Prev, Next lenient.String
		}] `json:"links"`
		Meta lenient.Object[struct {
			CurrentPage lenient.Int    `json:"current_page"`
			From        lenient.Int    `json:"from"`
			To          lenient.Int    `json:"to"`
			PerPage     lenient.Int    `json:"per_page"`
			Path        lenient.String `json:"path"`
		}] `json:"meta"`
	}
	lenient.Fields(data, &wire)
	if wire.Data.list == nil {
		return errors.New("the list has no data")
	}
	links, meta := wire.Links.Value, wire.Meta.Value
	*p = Page[T]{
		Data: wire.Data.list,
		Links: PageLinks{
			First: string(links.First), Last: string(links.Last), Prev: string(links.Prev), Next: string(links.Next),
		},
		Meta: PageMeta{
			CurrentPage: int(meta.CurrentPage), From: int(meta.From), To: int(meta.To),
			PerPage: int(meta.PerPage), Path: string(meta.Path),
		},
		allLeftOut: wire.Data.nonEmpty && len(wire.Data.list) == 0,
	}
	return nil
}

// pageEntries decodes the entries of a page. The list is nil if there is no array.
type pageEntries[T any] struct {
	list     lenient.List[T]
	nonEmpty bool // there are entries, though perhaps none is a T
}

// UnmarshalJSON implements [json.Unmarshaler].
func (e *pageEntries[T]) UnmarshalJSON(data []byte) error {
	if data[0] != '[' {
		return nil
	}
	for range lenient.Entries(data) {
		e.nonEmpty = true
		break
	}
	err := e.list.UnmarshalJSON(data)
	if e.list == nil {
		e.list = []T{}
	}
	return err
}

// list requests one page.
func list[T any](ctx context.Context, c *core, path string, query url.Values, opts []CallOption) (*Page[T], error) {
	page := new(Page[T])
	if err := c.do(ctx, call{method: http.MethodGet, path: path, query: query}, page, opts...); err != nil {
		return nil, err
	}
	return page, nil
}

// maxSeen is how many entries an iteration remembers so that none is yielded twice.
const maxSeen = 10_000

// all iterates over a list page by page. Entries that were yielded before are left
// out: new entries may move old ones to a later page. If the client deleted something
// while a page was in use, the page is read again: later entries may have moved to it.
func all[T any](
	ctx context.Context, c *core, path string, query url.Values, identity func(*T) any, opts []CallOption,
) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if err := yieldPages(ctx, c, path, query, identity, opts, yield); err != nil {
			yield(nil, err)
		}
	}
}

func yieldPages[T any](
	ctx context.Context, c *core, path string, query url.Values, identity func(*T) any, opts []CallOption, yield func(*T, error) bool,
) error {
	seen, visited := recent.NewSet[any](maxSeen), recent.NewSet[string](maxSeen)
	for {
		deletions := c.deletions.Load()
		page, err := list[T](ctx, c, path, query, opts)
		if err != nil {
			return err
		}
		entries := page.unseen(seen, identity)
		if !yieldAll(entries, yield) || page.isLast() {
			return nil
		}
		if len(entries) > 0 && c.deletions.Load() != deletions {
			continue
		}
		if query, err = nextQuery(query, page.Links.Next, visited); err != nil {
			return err
		}
	}
}

// unseen returns the entries that are not in seen and adds them to it.
func (p *Page[T]) unseen(seen *recent.Set[any], identity func(*T) any) []*T {
	var entries []*T
	for i := range p.Data {
		if seen.Add(identity(&p.Data[i])) {
			entries = append(entries, &p.Data[i])
		}
	}
	return entries
}

func (p *Page[T]) isLast() bool { return p.Links.Next == "" || len(p.Data) == 0 && !p.allLeftOut }

// yieldAll yields entries and reports whether the iteration continues.
func yieldAll[T any](entries []*T, yield func(*T, error) bool) bool {
	for _, entry := range entries {
		if !yield(entry, nil) {
			return false
		}
	}
	return true
}

// failed returns an iterator that only yields an error.
func failed[T any](err error) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) { yield(nil, err) }
}

// nextQuery returns the query of the next page. It takes only the query from the
// link, never the host, since credentials are for the API host only. Links to a
// page number must have a greater one. Other pages, such as those with cursors,
// are remembered to detect loops.
func nextQuery(current url.Values, link string, visited *recent.Set[string]) (url.Values, error) {
	target, err := url.Parse(link)
	if err != nil {
		return nil, errors.New("cloudconvert: the link to the next page is not a URL")
	}
	next := url.Values{}
	maps.Copy(next, current)
	maps.Copy(next, target.Query())
	if target.Query().Has("page") {
		if pageNumber(next) <= pageNumber(current) {
			return nil, errors.New("cloudconvert: the link to the next page leads backward")
		}
		return next, nil
	}
	visited.Add(current.Encode())
	if visited.Has(next.Encode()) {
		return nil, errors.New("cloudconvert: the link to the next page leads to an earlier page")
	}
	return next, nil
}

// pageNumber returns the page that a query selects, by default 1.
func pageNumber(query url.Values) int {
	number, err := strconv.Atoi(query.Get("page"))
	if err != nil {
		return 1
	}
	return number
}

// queryOf encodes the options of a list by their url tags.
func queryOf(options any) (url.Values, error) {
	values, err := query.Values(options)
	if err != nil {
		return nil, invalid(err)
	}
	return values, nil
}
