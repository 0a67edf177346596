package api

import (
	"net/http"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
)

func (a *API) listOperations(c *call) error {
	return c.catalog(c.r.URL.Query().Get("filter[operation]"))
}

func (a *API) listConvertFormats(c *call) error { return c.catalog(catalog.Convert) }

// catalog responds with all items that match, on one page.
func (c *call) catalog(operation string) error {
	q, include := c.r.URL.Query(), c.include()
	return c.data(http.StatusOK, c.api.cfg.Formats(catalog.Query{
		Operation: operation, InputFormat: q.Get("filter[input_format]"), OutputFormat: q.Get("filter[output_format]"),
		Engine: q.Get("filter[engine]"), EngineVersion: q.Get("filter[engine_version]"),
		Options: include["options"], EngineVersions: include["engine_versions"],
	}))
}
