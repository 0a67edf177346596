package sio

import (
	"bytes"
	"encoding/json"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// kind is what a packet means to a client.
type kind int

const (
	unknown   kind = iota // nothing that concerns a client of the default namespace
	noop                  // nothing at all
	opened                // the server announces its heartbeat
	closed                // the server ends the line
	ping                  // the server asks for a pong
	connected             // the namespace is connected
	kicked                // the server ends the namespace
	refused               // the server does not connect the namespace
	happened              // an event
)

// packet is a text frame that was taken apart.
type packet struct {
	kind kind
	data []byte // what comes after the kind, the namespace and the number of an acknowledgement
}

// decode takes a text frame apart. It accepts every input.
func decode(frame []byte) packet {
	if len(frame) == 0 {
		return packet{}
	}
	rest := frame[1:]
	switch frame[0] {
	case '0':
		return packet{opened, rest}
	case '1':
		return packet{closed, rest}
	case '2':
		return packet{ping, rest}
	case '4':
		return decodeMessage(rest)
	case '6':
		return packet{kind: noop}
	default:
		return packet{}
	}
}

// decodeMessage takes a packet of the upper protocol apart.
func decodeMessage(message []byte) packet {
	kinds := map[byte]kind{'0': connected, '1': kicked, '2': happened, '4': refused}
	if len(message) == 0 || kinds[message[0]] == unknown {
		return packet{}
	}
	p := packet{kinds[message[0]], message[1:]}
	if bytes.HasPrefix(p.data, []byte("/")) {
		namespace, rest, _ := bytes.Cut(p.data, []byte(","))
		if len(namespace) > 1 {
			return packet{} // of another namespace than the default one
		}
		p.data = rest
	}
	if p.kind == happened {
		p.data = bytes.TrimLeft(p.data, "0123456789")
	}
	return p
}

// Event is something that the server, or the client, says.
type Event struct {
	Name string
	Args []json.RawMessage
}

// Text returns an argument that is a string. It reports false if there is none.
func (e Event) Text(i int) (string, bool) {
	var text *string
	if i >= len(e.Args) || json.Unmarshal(e.Args[i], &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// decodeEvent reads the data of an event. It reports false if that is none.
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

// encodeEvent is the frame of an event.
func encodeEvent(name string, args ...any) ([]byte, error) {
	data, err := json.Marshal(append([]any{name}, args...))
	if err != nil {
		return nil, err
	}
	return append([]byte("42"), data...), nil
}
