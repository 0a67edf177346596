package sio

import "github.com/coder/websocket"

// options are none: the JavaScript host makes the websocket by itself, without the transport and the header.
func (Config) options(*transport) *websocket.DialOptions { return nil }
