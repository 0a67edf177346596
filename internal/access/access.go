// Package access is what the client lends to the subpackages of this module that reach the service by a way of their own.
package access

import (
	"context"
	"log/slog"
	"net/http"
)

// Access is what a client knows and does not tell programs.
type Access struct {
	// Sandbox tells that the client speaks to the sandbox of the service, and Elsewhere that it speaks to an address that
	// the program has chosen.
	Sandbox, Elsewhere bool
	// PlainHTTP allows http addresses that are no loopback addresses.
	PlainHTTP bool
	UserAgent string
	Transport http.RoundTripper // nil for the default one
	Logger    *slog.Logger
	// Token returns what a request is authorized with. If a token was refused, it is another one, if there is another.
	Token func(ctx context.Context, refused string) (string, error)
}
