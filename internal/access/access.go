// Package access gives other packages of this module what a client does not show
// to programs.
package access

import (
	"context"
	"log/slog"
	"net/http"
)

// Of returns what a client has. The client is a *cloudconvert.Client, which this
// package cannot name: package cloudconvert, which is initialized before any package
// that has a client, sets the function.
var Of func(client any) Access

// Access is the configuration of a client and its credentials.
type Access struct {
	// Sandbox reports whether the client uses the sandbox of the service, and
	// Elsewhere whether it uses URLs that the program has chosen.
	Sandbox, Elsewhere bool
	// PlainHTTP allows http URLs outside of the loopback interface.
	PlainHTTP bool
	UserAgent string
	Transport http.RoundTripper // nil for the default one
	Logger    *slog.Logger
	// Token returns what a request is authorized with. If a token was refused, it
	// returns another one, if there is another.
	Token func(ctx context.Context, refused string) (string, error)
}
