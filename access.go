package cloudconvert

import (
	"context"

	"github.com/cloudconvert/cloudconvert-go/internal/access"
)

// Lend is for the package events, which reaches the service by a way of its
// own. Programs have no use for it and cannot make its parameter.
func (c *Client) Lend(to *access.Access) {
	if to == nil {
		return
	}
	config := &c.core.config
	*to = access.Access{
		Sandbox:   config.sandbox,
		Elsewhere: config.custom != nil,
		PlainHTTP: config.plainHTTP,
		UserAgent: config.userAgentHeader(),
		Transport: config.client.Transport,
		Logger:    config.logger,
		Token: func(ctx context.Context, refused string) (string, error) {
			token, err := config.token(ctx, refused)
			if err != nil {
				return "", config.tokens.failure(err)
			}
			return token, nil
		},
	}
}
