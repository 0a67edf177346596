package cloudconvert

import (
	"github.com/cloudconvert/cloudconvert-go/internal/access"
)

// Package events makes its own connections to the service. A public method that gives
// it the credentials would give them to every program.
func init() { //nolint:gochecknoinits // it only assigns a function
	access.Of = func(client any) access.Access {
		return client.(*Client).access() //nolint:errcheck,forcetypeassert // the callers are in this module
	}
}

func (c *Client) access() access.Access {
	config := &c.core.config
	return access.Access{
		Sandbox:   config.sandbox,
		Elsewhere: config.custom != nil,
		PlainHTTP: config.plainHTTP,
		UserAgent: config.userAgentHeader(),
		Transport: config.client.Transport,
		Logger:    config.logger,
		Token:     config.token,
	}
}
