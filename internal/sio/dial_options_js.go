package sio

import "github.com/coder/websocket"

// options returns nil: a JavaScript host makes the websocket itself, and takes neither a
// transport nor headers.
func (Config) options(*upgradeTransport) *websocket.DialOptions { return nil }
