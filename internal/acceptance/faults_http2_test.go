package acceptance_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// A relay stands between a client and a server that speak TLS with each other:
// it sees requests and responses in the clear, counts and spoils them.
type relay struct {
	network        *network
	client, server *relayEnd
	request        requestWay
	greeted        chan struct{} // closed when the server has sent its settings, which come first

	mu     sync.Mutex
	spoilt map[uint32]*frameFault // streams, by their number
}

// A relayEnd is one of the two connections of a relay.
type relayEnd struct {
	*tls.Conn

	queue *queuedConn
}

// send queues p. If the connection has ended, reading from it fails as well.
func (e *relayEnd) send(p []byte) { _, _ = e.Write(p) }

// relay returns what a client has of a connection in place of the server's end.
func (n *network) relay(conn net.Conn) net.Conn {
	near, far := net.Pipe()
	front, back := newQueuedConn(far), newQueuedConn(conn)
	client := tls.Server(front, &tls.Config{
		Certificates: []tls.Certificate{certificates().trusted}, MinVersion: tls.VersionTLS13,
		NextProtos: n.offers, SessionTicketsDisabled: true, CurvePreferences: cheapCurves,
	})
	go func() {
		if client.HandshakeContext(context.Background()) != nil {
			_, _ = front.Close(), back.Close() // as the client has
			return
		}
		config := n.server.Clone()
		config.NextProtos = []string{cmp.Or(client.ConnectionState().NegotiatedProtocol, "http/1.1")}
		server := tls.Client(back, config)
		if server.HandshakeContext(context.Background()) != nil {
			_, _ = front.Close(), back.Close() // as the server has
			return
		}
		r := &relay{
			network: n, client: &relayEnd{client, front}, server: &relayEnd{server, back},
			request: requestWay{network: n}, greeted: make(chan struct{}), spoilt: map[uint32]*frameFault{},
		}
		if config.NextProtos[0] == "h2" {
			go r.responsesOverHTTP2(server)
			r.requestsOverHTTP2(client)
		} else {
			go r.responses(server)
			r.requests(client)
		}
	}()
	return near
}

// requests passes on what a client sends over HTTP/1.1.
func (r *relay) requests(client io.Reader) {
	defer r.server.queue.end()
	chunk := make([]byte, 32<<10)
	for {
		n, err := client.Read(chunk)
		if err != nil || !r.pass(chunk[:n], n, requestLine.Match(chunk[:n])) {
			return
		}
	}
}

// pass passes on a part of a request that counts as so many bytes. It reports
// false if the connection broke.
func (r *relay) pass(p []byte, length int, begins bool) bool {
	passing, alive := r.request.pass(length, begins)
	if alive {
		r.server.send(p)
		return true
	}
	r.server.send(p[:len(p)*passing/length])
	_ = r.client.queue.Close() // what was not read yet is lost
	return false
}

// responses passes on what a server sends over HTTP/1.1.
func (r *relay) responses(server io.Reader) {
	defer r.client.queue.end()
	chunk := make([]byte, 32<<10)
	for {
		n, err := server.Read(chunk)
		if err != nil {
			return
		}
		r.network.happen()
		r.client.send(chunk[:n])
	}
}

// Types, flags and settings of frames, see RFC 9113.
const (
	dataFrame     = 0
	headersFrame  = 1
	resetFrame    = 3
	settingsFrame = 4
	goAwayFrame   = 7

	endStream = 1 // of data and headers
	ack       = 1 // of settings

	headerTableSize = 1

	http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
)

// Error codes of HTTP/2.
const (
	noError = iota
	protocolError
	internalError
	flowControlError
	settingsTimeout
	streamClosed
	frameSizeError
	refusedStream
	cancelled
	compressionError
	connectError
	enhanceYourCalm
	inadequateSecurity
	http11Required
)

// A frame is the unit of HTTP/2.
type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
}

func readFrame(r io.Reader) (frame, error) {
	head := make([]byte, 9)
	if _, err := io.ReadFull(r, head); err != nil {
		return frame{}, err
	}
	f := frame{
		kind: head[3], flags: head[4], stream: binary.BigEndian.Uint32(head[5:]),
		payload: make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2])),
	}
	_, err := io.ReadFull(r, f.payload)
	return f, err
}

func (f frame) bytes() []byte {
	length := len(f.payload)
	head := []byte{byte(length >> 16), byte(length >> 8), byte(length), f.kind, f.flags}
	return append(binary.BigEndian.AppendUint32(head, f.stream), f.payload...)
}

// length returns as how many bytes of a request a frame counts. How long headers
// are depends on random ids, because they are compressed.
func (f frame) length() int {
	if f.kind == headersFrame {
		return 100
	}
	return len(f.payload)
}

// carries reports whether a frame is a part of a request or a response.
func (f frame) carries() bool { return f.kind == headersFrame || f.kind == dataFrame }

// ends reports whether a frame is the last one of a request or a response.
func (f frame) ends() bool { return f.carries() && f.flags&endStream != 0 }

func resetStream(stream, code uint32) frame {
	return frame{kind: resetFrame, stream: stream, payload: binary.BigEndian.AppendUint32(nil, code)}
}

// goAway says that the server has not begun with any stream after the last one.
func goAway(last, code uint32) frame {
	return frame{kind: goAwayFrame, payload: binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code)}
}

// A frameFault sends a frame to the client of a request over HTTP/2.
type frameFault struct {
	frame    func(stream uint32) frame
	executed bool // the frame comes in place of the response, or else in place of the execution
	responds bool // the response follows
	cut      bool // the connection ends after it
}

// requestsOverHTTP2 passes on what a client sends over HTTP/2.
func (r *relay) requestsOverHTTP2(client io.Reader) {
	defer r.server.queue.end()
	preface := make([]byte, len(http2Preface))
	if _, err := io.ReadFull(client, preface); err != nil {
		return
	}
	r.server.send(preface)
	for {
		f, err := readFrame(client)
		if err != nil || !r.takeRequest(f) {
			return
		}
	}
}

// takeRequest takes a frame of the client. It reports false if the connection broke.
func (r *relay) takeRequest(f frame) bool {
	if f.kind == settingsFrame && f.flags&ack == 0 {
		// No response depends on the headers of another one, which the client may not get.
		f.payload = append(f.payload, 0, headerTableSize, 0, 0, 0, 0)
	}
	if f.kind == headersFrame {
		r.choose(f.stream)
	}
	fault := r.fault(f.stream)
	switch {
	case fault == nil || fault.executed:
		if f.carries() {
			return r.pass(f.bytes(), f.length(), f.kind == headersFrame)
		}
		r.server.send(f.bytes())
		return true
	case f.kind == headersFrame:
		// The server must see the headers, on which those of the next request depend.
		// It does nothing, as it never sees the rest of the request.
		unended := f
		unended.flags &^= endStream
		r.pass(unended.bytes(), unended.length(), true)
		r.server.send(resetStream(f.stream, cancelled).bytes())
	}
	if f.ends() {
		<-r.greeted
		r.strike(f.stream, fault)
	}
	return true
}

// choose lets a fault strike a request that begins.
func (r *relay) choose(stream uint32) {
	r.network.mu.Lock()
	fault, ok := r.network.frames.next()
	r.network.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok {
		r.spoilt[stream] = &fault
	}
}

func (r *relay) fault(stream uint32) *frameFault {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spoilt[stream]
}

func (r *relay) strike(stream uint32, fault *frameFault) {
	r.client.send(fault.frame(stream).bytes())
	if fault.cut {
		r.client.queue.end()
	}
}

// responsesOverHTTP2 passes on what a server sends over HTTP/2.
func (r *relay) responsesOverHTTP2(server io.Reader) {
	defer r.client.queue.end()
	greet := sync.OnceFunc(func() { close(r.greeted) })
	defer greet()
	for {
		f, err := readFrame(server)
		if err != nil {
			return
		}
		if f.carries() {
			r.network.happen()
		}
		fault := r.fault(f.stream)
		if fault != nil && fault.executed && f.kind == headersFrame {
			r.strike(f.stream, fault)
		}
		if fault == nil || fault.responds {
			r.client.send(f.bytes())
		}
		greet()
	}
}

// A queuedConn keeps what is written to a pipe, as the buffers of a kernel do:
// over TLS and HTTP/2 both sides may write before they read.
type queuedConn struct {
	net.Conn

	mu    sync.Mutex
	more  *sync.Cond
	queue []byte
	ended bool
}

func newQueuedConn(conn net.Conn) *queuedConn {
	c := &queuedConn{Conn: conn}
	c.more = sync.NewCond(&c.mu)
	go c.run()
	return c
}

func (c *queuedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return 0, net.ErrClosed
	}
	c.queue = append(c.queue, p...)
	c.more.Signal()
	return len(p), nil
}

// Close closes the connection at once.
func (c *queuedConn) Close() error {
	c.end()
	return c.Conn.Close()
}

// end closes the connection when everything was written.
func (c *queuedConn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.more.Signal()
}

func (c *queuedConn) run() {
	defer func() { _ = c.Conn.Close() }()
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && !c.ended {
			c.more.Wait()
		}
		p := c.queue
		c.queue = nil
		c.mu.Unlock()
		if len(p) == 0 {
			return
		}
		if _, err := c.Conn.Write(p); err != nil {
			return // reading from the connection fails as well
		}
	}
}

// sends is a fault of requests over HTTP/2.
func sends(f frameFault) func(*world, int) {
	return func(w *world, times int) { w.network.sendFrames(times, f) }
}

// resets responds to a request by the reset of its stream.
func resets(code uint32, executed bool) frameFault {
	return frameFault{executed: executed, frame: func(stream uint32) frame { return resetStream(stream, code) }}
}

// goesAway responds to a request by a GOAWAY frame, whose last stream is that of the
// request if it is executed, and an earlier one otherwise.
func goesAway(code uint32, executed bool) frameFault {
	return frameFault{executed: executed, frame: func(stream uint32) frame {
		if executed {
			return goAway(stream, code)
		}
		return goAway(stream-1, code)
	}}
}

// http2Faults are those that only HTTP/2 has.
func http2Faults() []fault {
	responding := goesAway(noError, true)
	responding.responds = true
	return slices.Concat(
		[]fault{
			{name: "GOAWAY without the request", strike: sends(goesAway(noError, false))},
			{name: "the same on a reused connection", used: true, strike: sends(goesAway(noError, false))},
			{name: "GOAWAY with ENHANCE_YOUR_CALM without the request", strike: sends(goesAway(enhanceYourCalm, false))},
			{name: "GOAWAY with ENHANCE_YOUR_CALM on a reused connection", used: true, strike: sends(goesAway(enhanceYourCalm, false))},
			{name: "GOAWAY after the request, which gets its response", strike: sends(responding)},
		},
		eachCode("GOAWAY after the request, executed, and the connection ends", func(code uint32) frameFault {
			f := goesAway(code, true)
			f.cut = true
			return f
		}, noError, internalError, enhanceYourCalm),
		[]fault{{name: "RST_STREAM with REFUSED_STREAM", strike: sends(resets(refusedStream, false))}},
		eachCode("RST_STREAM with another code, not executed", func(code uint32) frameFault { return resets(code, false) }, otherCodes...),
		eachCode("RST_STREAM with another code, executed", func(code uint32) frameFault { return resets(code, true) }, otherCodes...),
		[]fault{
			{name: "HTTP/1.1 before, then GOAWAY without the request", used: true, prepare: speaksHTTP1, strike: speaksHTTP2(goesAway(noError, false))},
			{name: "HTTP/1.1 before, then RST_STREAM, executed", used: true, prepare: speaksHTTP1, strike: speaksHTTP2(resets(protocolError, true))},
			{name: "HTTP/2 before, then HTTP/1.1 and a reset, executed", used: true, strike: func(w *world, times int) {
				speaksHTTP1(w)
				injects(cloudconverttest.Fault{Kind: cloudconverttest.Reset, Phase: cloudconverttest.After})(w, times)
			}},
		},
	)
}

// otherCodes are all but REFUSED_STREAM: they do not prove that the request was
// not executed. Package net/http by itself repeats it after the first one.
var otherCodes = []uint32{
	protocolError, noError, internalError, flowControlError, settingsTimeout, streamClosed, frameSizeError, cancelled,
	compressionError, connectError, enhanceYourCalm, inadequateSecurity, http11Required,
}

// eachCode returns a fault for each error code, as variants of the first one.
func eachCode(name string, with func(code uint32) frameFault, codes ...uint32) []fault {
	var faults []fault
	for i, code := range codes {
		f := fault{name: name, strike: sends(with(code))}
		if i > 0 {
			f.variant = fmt.Sprintf(" (%d)", code)
		}
		faults = append(faults, f)
	}
	return faults
}

// speaksHTTP1 makes new connections speak HTTP/1.1.
func speaksHTTP1(w *world) { w.network.offer("http/1.1") }

// speaksHTTP2 makes new connections speak HTTP/2, and a fault strike there.
func speaksHTTP2(f frameFault) func(*world, int) {
	return func(w *world, times int) {
		w.network.offer("h2", "http/1.1")
		sends(f)(w, times)
	}
}
