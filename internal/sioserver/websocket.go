package sioserver

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // the protocol wants it, and no secret depends on it
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The kinds of frames of a websocket.
const (
	continuation byte = 0x0
	text         byte = 0x1
	binaryFrame  byte = 0x2
	goodbye      byte = 0x8
	ping         byte = 0x9
	pong         byte = 0xa
)

// maxPayload is the largest message in bytes that a client may send.
const maxPayload = 1_000_000

// maxControl is the largest payload of a goodbye, a ping and a pong.
const maxControl = 125

// protocolError is the code of a goodbye to a client that breaks the protocol.
const protocolError = 1002

var errFrame = errors.New("the client sends a frame that it must not send")

// socket is the server side of a websocket. It is our own, and not of the library that the client uses, because whoever imports
// the root package would get that library into go.sum by way of the tests.
type socket struct {
	conn     net.Conn
	r        *bufio.Reader
	patience time.Duration // with a client that does not take what is written

	mu sync.Mutex // of writes
}

// accept answers the request for a websocket.
func accept(w http.ResponseWriter, r *http.Request, patience time.Duration) (*socket, error) {
	key := r.Header.Get("Sec-Websocket-Key")
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || r.Header.Get("Sec-Websocket-Version") != "13" || key == "" {
		http.Error(w, "this is a websocket", http.StatusUpgradeRequired)
		return nil, errors.New("no request for a websocket")
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	header := w.Header()
	header.Set("Upgrade", "websocket")
	header.Set("Connection", "Upgrade")
	header.Set("Sec-Websocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	return &socket{conn: conn, r: buffered.Reader, patience: patience}, conn.SetDeadline(time.Time{})
}

// read returns the next message. It tells a client that breaks the protocol so.
func (s *socket) read() ([]byte, error) {
	message, err := s.message()
	if errors.Is(err, errFrame) {
		err = errors.Join(err, s.write(goodbye, binary.BigEndian.AppendUint16(nil, protocolError)))
	}
	return message, err
}

// message puts a message together from its frames, and answers those that come between them.
func (s *socket) message() ([]byte, error) {
	var message []byte
	begun := false
	for {
		kind, last, payload, err := s.frame(maxPayload - len(message))
		if err != nil {
			return nil, err
		}
		switch kind {
		case continuation, text, binaryFrame:
			if begun != (kind == continuation) {
				return nil, errFrame
			}
			begun = true
			if message = append(message, payload...); last {
				return message, nil
			}
		case ping:
			err = s.write(pong, payload)
		case goodbye:
			err = s.leave(payload)
		case pong:
		default:
			err = errFrame
		}
		if err != nil {
			return nil, err
		}
	}
}

// leave answers a goodbye, which has a code or nothing at all.
func (s *socket) leave(payload []byte) error {
	if len(payload) > 0 && (len(payload) < 2 || !mayClose(binary.BigEndian.Uint16(payload))) {
		return errFrame
	}
	return errors.Join(s.write(goodbye, payload), io.EOF)
}

// mayClose reports whether a code may stand in a goodbye: it is one of the protocol, or of a program.
func mayClose(code uint16) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
		return true
	}
	return false
}

// frame reads a frame.
func (s *socket) frame(limit int) (kind byte, last bool, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		return 0, false, nil, err
	}
	kind, last = head[0]&0x0f, head[0]&0x80 != 0
	control := kind >= goodbye // it may come inside a message, and does not count
	if control {
		limit = maxControl
	}
	length, err := s.length(head[1] & 0x7f)
	switch {
	case err != nil:
		return 0, false, nil, err
	case head[1]&0x80 == 0, head[0]&0x70 != 0, length > uint64(max(limit, 0)):
		return 0, false, nil, errFrame // not masked, with an extension that nobody has agreed to, or too long
	case control && !last:
		return 0, false, nil, errFrame
	}
	var mask [4]byte
	if _, err := io.ReadFull(s.r, mask[:]); err != nil {
		return 0, false, nil, err
	}
	payload = make([]byte, length)
	if _, err := io.ReadFull(s.r, payload); err != nil {
		return 0, false, nil, err
	}
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return kind, last, payload, nil
}

// length reads the length of a frame, of which small ones stand in its head.
func (s *socket) length(short byte) (uint64, error) {
	size := map[byte]int{126: 2, 127: 8}[short]
	if size == 0 {
		return uint64(short), nil
	}
	var long [8]byte
	_, err := io.ReadFull(s.r, long[8-size:])
	return binary.BigEndian.Uint64(long[:]), err
}

// write sends a message in one frame.
func (s *socket) write(kind byte, message []byte) error {
	frame := make([]byte, 0, 10+len(message))
	frame = append(frame, 0x80|kind)
	switch n := len(message); {
	case n < 126:
		frame = append(frame, byte(n))
	case n <= 0xffff:
		frame = binary.BigEndian.AppendUint16(append(frame, 126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 127), uint64(n))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	_, err := s.conn.Write(append(frame, message...))
	return err
}

// close breaks the connection.
func (s *socket) close() { _ = s.conn.Close() } // it is over, whatever it says
