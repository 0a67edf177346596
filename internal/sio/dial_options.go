//go:build !js

package sio

import (
	"net/http"

	"github.com/coder/websocket"
)

func (cfg Config) options(transport *upgradeTransport) *websocket.DialOptions {
	return &websocket.DialOptions{
		HTTPClient: &http.Client{
			Transport: transport,
			// Redirects are not followed: the token must go to no other host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		HTTPHeader: http.Header{"User-Agent": {cfg.UserAgent}},
	}
}
