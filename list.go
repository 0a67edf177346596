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
	// Data are the entries. One that is null or no T, such as a job without an
	// id, is left out and does not spoil the others. [CaptureResponse] has the
	// page as it came.
	Data  []T       `json:"data"`
	Links PageLinks `json:"links,omitzero"`
	Meta  PageMeta  `json:"meta,omitzero"`

	allLeftOut bool // there were entries, and none of them is a T
}

// PageLinks are the addresses of the pages around a page. Next is empty on the
// last one. Last always is: the service does not tell how many pages there are.
type PageLinks struct {
	First string `json:"first,omitzero"`
	Last  string `json:"last,omitzero"`
	Prev  string `json:"prev,omitzero"`
	Next  string `json:"next,omitzero"`
}

// PageMeta tells where a page stands in its list. From and To are the numbers
// of its first and last entry, 0 on an empty page.
type PageMeta struct {
	CurrentPage int    `json:"current_page,omitzero"`
	From        int    `json:"from,omitzero"`
	To          int    `json:"to,omitzero"`
	PerPage     int    `json:"per_page,omitzero"`
	Path        string `json:"path,omitzero"`
}

// UnmarshalJSON reads a page. Only an answer that is no list is an error.
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
	if wire.Data.read == nil {
		return errors.New("a list has no data")
	}
	links, meta := wire.Links.Value, wire.Meta.Value
	*p = Page[T]{
		Data: wire.Data.read,
		Links: PageLinks{
			First: string(links.First), Last: string(links.Last), Prev: string(links.Prev), Next: string(links.Next),
		},
		Meta: PageMeta{
			CurrentPage: int(meta.CurrentPage), From: int(meta.From), To: int(meta.To),
			PerPage: int(meta.PerPage), Path: string(meta.Path),
		},
		allLeftOut: wire.Data.given && len(wire.Data.read) == 0,
	}
	return nil
}

// pageEntries are the entries of a page. They are nil if it has no array of them.
type pageEntries[T any] struct {
	read  lenient.List[T]
	given bool // any entries, be they a T or not
}

// UnmarshalJSON implements [json.Unmarshaler].
func (e *pageEntries[T]) UnmarshalJSON(data []byte) error {
	if data[0] != '[' {
		return nil
	}
	for range lenient.Entries(data) {
		e.given = true
		break
	}
	err := e.read.UnmarshalJSON(data)
	if e.read == nil {
		e.read = []T{}
	}
	return err
}

// list makes a call that answers one page.
func list[T any](ctx context.Context, c *core, path string, query url.Values, opts []CallOption) (*Page[T], error) {
	page := new(Page[T])
	if err := c.do(ctx, call{method: http.MethodGet, path: path, query: query}, page, opts...); err != nil {
		return nil, err
	}
	return page, nil
}

// maxKnown is how many entries an iteration remembers, so as not to yield them
// again.
const maxKnown = 10_000

// all iterates over a list page by page. Entries that come again on a later page,
// because new ones were put before them, are left out. When the client deleted
// something while a page was in use, the page is read again: the entries behind it
// have moved up.
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
	known, visited := recent.NewSet[any](maxKnown), recent.NewSet[string](maxKnown)
	for {
		deletions := c.deletions.Load()
		page, err := list[T](ctx, c, path, query, opts)
		if err != nil {
			return err
		}
		entries := page.unknown(known, identity)
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

// unknown returns the entries that are not known yet, and makes them known.
func (p *Page[T]) unknown(known *recent.Set[any], identity func(*T) any) []*T {
	var entries []*T
	for i := range p.Data {
		if known.Add(identity(&p.Data[i])) {
			entries = append(entries, &p.Data[i])
		}
	}
	return entries
}

func (p *Page[T]) isLast() bool { return p.Links.Next == "" || len(p.Data) == 0 && !p.allLeftOut }

// yieldAll reports whether the consumer wants more.
func yieldAll[T any](entries []*T, yield func(*T, error) bool) bool {
	for _, entry := range entries {
		if !yield(entry, nil) {
			return false
		}
	}
	return true
}

// failed returns an iteration that yields an error.
func failed[T any](err error) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) { yield(nil, err) }
}

// nextQuery returns the query of the next page. Of the link only the query is
// followed, never the host: the credentials belong to the host of the API. Pages
// without a greater number are remembered, so that they do not lead in a circle.
func nextQuery(current url.Values, link string, visited *recent.Set[string]) (url.Values, error) {
	target, err := url.Parse(link)
	if err != nil {
		return nil, errors.New("cloudconvert: the link to the next page is no URL")
	}
	next := url.Values{}
	maps.Copy(next, current)
	maps.Copy(next, target.Query())
	if target.Query().Has("page") {
		if pageNumber(next) <= pageNumber(current) {
			return nil, errors.New("cloudconvert: the link to the next page leads back")
		}
		return next, nil
	}
	visited.Add(current.Encode())
	if visited.Has(next.Encode()) {
		return nil, errors.New("cloudconvert: the link to the next page leads to a page that was there before")
	}
	return next, nil
}

// pageNumber returns the page that a query selects.
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
