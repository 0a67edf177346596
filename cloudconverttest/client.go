package cloudconverttest

import (
	"github.com/cloudconvert/cloudconvert-go"
)

// Client returns a client of the SDK that talks to the server with its key.
// Further options come after those of [Server.Options] and may override them.
// It panics when an option is wrong: a test cannot go on without a client.
func (s *Server) Client(opts ...cloudconvert.Option) *cloudconvert.Client {
	client, err := cloudconvert.NewClient(s.Key(), append(s.Options(), opts...)...)
	if err != nil {
		panic("cloudconverttest: wrong options for the client: " + err.Error()) //nolint:forbidigo // as documented
	}
	return client
}

// Options returns what makes a client of the SDK talk to the server, for a program
// under test that makes its client itself: NewClient(s.Key(), s.Options()...). With
// [WithInProcess] and [WithHTTP2] they include WithHTTPClient. To pass another client
// after them, make its transport of that of [Server.HTTPClient].
func (s *Server) Options() []cloudconvert.Option {
	opts := []cloudconvert.Option{cloudconvert.WithBaseURLs(s.URL, s.SyncURL)}
	if s.cfg.inProcess || s.tls != nil {
		opts = append(opts, cloudconvert.WithHTTPClient(s.client))
	}
	return opts
}
