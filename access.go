package cloudconvert

import (
	"github.com/cloudconvert/cloudconvert-go/internal/access"
)

// Package events connects to the service by itself. A method that gives it the
// credentials would give them to every program.
func init() { //nolint:gochecknoinits // the assignment needs one, and reads and starts nothing
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
