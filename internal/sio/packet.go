package sio

import (
	"bytes"
	"encoding/json"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// kind is a type of packet of Engine.IO, or of a Socket.IO packet within its message.
type kind int

const (
	kindUnknown kind = iota // nothing for a client of the default namespace
	kindNoop
	kindOpen         // announces the heartbeat
	kindClose        // ends the connection
	kindPing         // asks for a pong
	kindConnect      // the namespace is connected
	kindDisconnect   // the namespace is disconnected
	kindConnectError // the server refuses to connect the namespace
	kindEvent
)

// packet is a decoded text frame.
type packet struct {
	kind kind
	data []byte // what follows the kind, the namespace and the number of an acknowledgement
}

// decode accepts every input.
func decode(frame []byte) packet {
	if len(frame) == 0 {
		return packet{}
	}
	rest := frame[1:]
	switch frame[0] {
	case '0':
		return packet{kindOpen, rest}
	case '1':
		return packet{kindClose, rest}
	case '2':
		return packet{kindPing, rest}
	case '4':
		return decodeMessage(rest)
	case '6':
		return packet{kind: kindNoop}
	default:
		return packet{}
	}
}

// decodeMessage decodes a packet of Socket.IO.
func decodeMessage(message []byte) packet {
	kinds := map[byte]kind{'0': kindConnect, '1': kindDisconnect, '2': kindEvent, '4': kindConnectError}
	if len(message) == 0 || kinds[message[0]] == kindUnknown {
		return packet{}
	}
	p := packet{kinds[message[0]], message[1:]}
	if bytes.HasPrefix(p.data, []byte("/")) {
		namespace, rest, _ := bytes.Cut(p.data, []byte(","))
		if len(namespace) > 1 {
			return packet{} // not of the default namespace
		}
		p.data = rest
	}
	if p.kind == kindEvent {
		p.data = bytes.TrimLeft(p.data, "0123456789")
	}
	return p
}

// Event is an event with its arguments.
type Event struct {
	Name string
	Args []json.RawMessage
}

// Text returns argument i, and false if it is not a string.
func (e Event) Text(i int) (string, bool) {
	var text *string
	if i >= len(e.Args) || json.Unmarshal(e.Args[i], &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// decodeEvent decodes the data of an event packet. It returns false if that is invalid.
func decodeEvent(data []byte) (Event, bool) {
	var e Event
	if lenient.CheckDensity(data) != nil || json.Unmarshal(data, &e.Args) != nil {
		return Event{}, false
	}
	name, ok := e.Text(0)
	if !ok {
		return Event{}, false
	}
	return Event{Name: name, Args: e.Args[1:]}, true
}

// encodeEvent returns the frame of an event.
func encodeEvent(name string, args ...any) ([]byte, error) {
	data, err := json.Marshal(append([]any{name}, args...))
	if err != nil {
		return nil, err
	}
	return append([]byte("42"), data...), nil
}
