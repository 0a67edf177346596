//go:build !js

package sio

import (
	"net/http"

	"github.com/coder/websocket"
)

// options are how the websocket is made.
func (cfg Config) options(upgrading *transport) *websocket.DialOptions {
	return &websocket.DialOptions{
		HTTPClient: &http.Client{
			Transport: upgrading,
			// Any host that responds sees the token, so only the host that was called gets it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		HTTPHeader: http.Header{"User-Agent": {cfg.UserAgent}},
	}
}
