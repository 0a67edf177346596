package cloudconverttest

import (
	"github.com/cloudconvert/cloudconvert-go"
)

// Client returns a client of the SDK for the server, with its key. Further options come
// after those of [Server.ClientOptions] and may override them. It panics if an option is
// invalid.
func (s *Server) Client(opts ...cloudconvert.Option) *cloudconvert.Client {
	client, err := cloudconvert.NewClient(s.Key(), append(s.ClientOptions(), opts...)...)
	if err != nil {
		panic("cloudconverttest: invalid client options: " + err.Error()) //nolint:forbidigo // as documented
	}
	return client
}

// ClientOptions returns the options of a client of the SDK for the server. They are for a
// program that makes its client itself: NewClient(s.Key(), s.ClientOptions()...). With
// [WithInProcess], [WithHTTP2] and [WithPublicURL] they include WithHTTPClient. If you
// pass another HTTP client after them, clone its transport from that of
// [Server.HTTPClient].
func (s *Server) ClientOptions() []cloudconvert.Option {
	opts := []cloudconvert.Option{cloudconvert.WithBaseURLs(s.URL, s.SyncURL)}
	if s.cfg.inProcess || s.tls != nil || s.cfg.publicURL != "" {
		opts = append(opts, cloudconvert.WithHTTPClient(s.client))
	}
	if s.cfg.publicURL != "" {
		opts = append(opts, cloudconvert.WithPlainHTTP()) // to a host that is not the loopback interface
	}
	return opts
}
