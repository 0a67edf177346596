package engine

import (
	"context"
	"net/http"
	"net/url"
)

// ProxyError is proxyError, for tests.
type ProxyError = proxyError

// CheckProxy is checkProxy, for tests.
func CheckProxy(ctx context.Context, proxy *url.URL, req *http.Request, resp *http.Response) error {
	return checkProxy(ctx, proxy, req, resp)
}

// Excerpt is excerpt, for tests.
func (o Outcome) Excerpt(text string, limit int) string { return o.excerpt(text, limit) }
