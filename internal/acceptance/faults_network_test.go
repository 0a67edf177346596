package acceptance_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// A network leads to a server in process. It makes connections and requests
// fail, counts requests, and calls a function at a given moment.
type network struct {
	transport *http.Transport
	secure    bool        // connections begin with a TLS handshake
	server    *tls.Config // to reach the server if secure
	dials     atomic.Int64

	mu       sync.Mutex
	offers   []string // the protocols that new connections can speak
	spoil    strikes[spoiler]
	breaking strikes[int64]      // after how many of its bytes the connection of a request breaks
	frames   strikes[frameFault] // of requests over HTTP/2
	silent   strikes[struct{}]   // new connections that nothing passes on
	conns    map[*watchedConn]bool
	moments  int // dials, and requests and responses that pass
	moment   int // the one that onMoment is called at
	onMoment func()
	requests int
	written  int64 // bytes of requests
}

// strikes is a fault that is going to strike a number of times.
type strikes[F any] struct {
	fault F
	left  int // -1 is always
}

// strike lets a fault strike so many times, or always if that is 0.
func strike[F any](times int, fault F) strikes[F] {
	if times == 0 {
		times = -1
	}
	return strikes[F]{fault, times}
}

// next returns the fault if it strikes now.
func (s *strikes[F]) next() (fault F, ok bool) {
	if s.left == 0 {
		return fault, false
	}
	s.left = max(s.left-1, -1)
	return s.fault, true
}

// A spoiler turns a new connection into one that fails, or refuses it.
type spoiler func(net.Conn) (net.Conn, error)

func newNetwork(server *cloudconverttest.Server, secure, http2 bool) *network {
	direct := server.HTTPClient().Transport.(*http.Transport)
	n := &network{
		transport: direct.Clone(), secure: secure, offers: []string{"h2", "http/1.1"}, conns: map[*watchedConn]bool{},
	}
	n.transport.IdleConnTimeout, n.transport.TLSHandshakeTimeout = idleTimeout, 10*time.Second // as those of the default transport
	dial := n.transport.DialContext
	n.transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		n.happen()
		if n.dials.Add(1) > tooManyDials {
			return nil, errors.New("the client makes connections without end")
		}
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return n.connect(conn) //nolint:contextcheck // the relay outlives the call that dials
	}
	if !secure {
		return n
	}
	direct.TLSClientConfig.CurvePreferences = cheapCurves
	n.server = direct.TLSClientConfig.Clone()
	n.server.ServerName = "localhost"
	n.transport.TLSClientConfig = &tls.Config{RootCAs: certificates().roots, MinVersion: tls.VersionTLS13, CurvePreferences: cheapCurves}
	if !http2 {
		n.transport.ForceAttemptHTTP2 = false
		n.transport.Protocols = new(http.Protocols)
		n.transport.Protocols.SetHTTP1(true)
	}
	return n
}

// idleTimeout is how long unused connections are kept.
const idleTimeout = 90 * time.Second

// cheapCurves make handshakes fast, of which the tests make thousands.
var cheapCurves = []tls.CurveID{tls.CurveP256}

// tooManyDials are more than any call needs. A client that makes connections
// without a pause would go on for ever, since no time passes.
const tooManyDials = 500

// connect makes a connection what it is to the client.
func (n *network) connect(conn net.Conn) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if spoil, ok := n.spoil.next(); ok {
		spoilt, err := spoil(conn)
		if err != nil {
			return nil, err
		}
		conn = spoilt
	} else if n.secure {
		conn = n.relay(conn)
	}
	watched := &watchedConn{Conn: conn, network: n, request: requestWay{network: n}, closing: make(chan struct{})}
	if _, ok := n.silent.next(); ok {
		watched.silent.Store(true)
	}
	n.conns[watched] = true
	return watched, nil
}

// fail spoils so many new connections, or all if that is 0.
func (n *network) fail(times int, spoil spoiler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.spoil = strike(times, spoil)
}

// breakRequests breaks the connections of so many requests when some of their bytes were sent.
func (n *network) breakRequests(times int, bytes int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.breaking = strike(times, bytes)
}

// sendFrames sends frames in place of the responses to n requests over HTTP/2.
func (n *network) sendFrames(times int, f frameFault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frames = strike(times, f)
}

// silence lets nothing more pass on the connections that there are, nor on new
// ones if it strikes always. None of them ends.
func (n *network) silence(times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for conn := range n.conns {
		conn.silent.Store(true)
	}
	if times == 0 {
		n.silent = strike(0, struct{}{})
	}
}

// offer changes which protocols new connections can speak, and hangs up.
func (n *network) offer(protocols ...string) {
	n.mu.Lock()
	n.offers = protocols
	n.mu.Unlock()
	n.hangUp()
}

// hangUp ends the connections that there are, as if the server had.
func (n *network) hangUp() {
	n.mu.Lock()
	conns := slices.Collect(maps.Keys(n.conns))
	n.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Conn.Close()
	}
	synctest.Wait()
}

// watch calls a function at a moment, counted from now on and from 1.
func (n *network) watch(moment int, f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.moments, n.requests, n.written, n.moment, n.onMoment = 0, 0, 0, moment, f
}

// seen is what passed on a network since the last call of watch.
type seen struct {
	moments, requests int
	written           int64 // bytes of requests
}

func (n *network) seen() seen {
	n.mu.Lock()
	defer n.mu.Unlock()
	return seen{n.moments, n.requests, n.written}
}

// end closes the connections that are still open, and returns how many those were.
func (n *network) end() int {
	n.mu.Lock()
	conns := slices.Collect(maps.Keys(n.conns))
	n.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
	}
	return len(conns)
}

func (n *network) happen() {
	n.mu.Lock()
	n.moments++
	now, f := n.moments == n.moment, n.onMoment
	n.mu.Unlock()
	if now {
		f()
	}
}

// requestWay is the way of the requests on one connection, in the clear.
type requestWay struct {
	network  *network
	breaking bool
	left     int64 // until it breaks
}

// pass counts a part of a request. It returns how many of its bytes pass, and
// whether the connection lives on after them.
func (w *requestWay) pass(length int, begins bool) (passing int, alive bool) {
	w.network.happen()
	w.network.mu.Lock()
	defer w.network.mu.Unlock()
	w.network.written += int64(length)
	if begins {
		w.network.requests++
		w.left, w.breaking = w.network.breaking.next()
	}
	if !w.breaking {
		return length, true
	}
	passing = int(min(int64(length), w.left))
	w.left -= int64(passing)
	return passing, passing == length
}

// requestLine begins a request over HTTP/1.1, which net/http begins to write with it.
var requestLine = regexp.MustCompile(`^[A-Z]+ \S+ HTTP/1\.1\r\n`)

// watchedConn is the client's side of a connection.
type watchedConn struct {
	net.Conn

	network *network
	request requestWay // unless a relay has it
	broken  atomic.Bool
	silent  atomic.Bool
	closed  sync.Once
	closing chan struct{}
}

func (c *watchedConn) Close() error {
	c.closed.Do(func() {
		close(c.closing)
		c.network.mu.Lock()
		defer c.network.mu.Unlock()
		delete(c.network.conns, c)
	})
	return c.Conn.Close()
}

func (c *watchedConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		switch {
		case c.silent.Load() && err == nil:
			continue
		case c.silent.Load():
			<-c.closing
			return 0, net.ErrClosed
		case c.broken.Load() && err != nil:
			err = testkit.ErrConnReset
		}
		if !c.network.secure {
			c.network.happen()
		}
		return n, err
	}
}

func (c *watchedConn) Write(p []byte) (int, error) {
	if c.silent.Load() {
		return len(p), nil
	}
	if c.network.secure {
		return c.Conn.Write(p)
	}
	passing, alive := c.request.pass(len(p), requestLine.Match(p))
	if alive {
		return c.Conn.Write(p)
	}
	n, err := 0, error(nil)
	if passing > 0 {
		n, err = c.Conn.Write(p[:passing])
	}
	c.broken.Store(true)
	return n, errors.Join(err, c.Close(), testkit.ErrConnReset)
}

// refused makes no connection.
func refused(conn net.Conn) (net.Conn, error) {
	_ = conn.Close()
	return nil, testkit.ErrRefused
}

// brokenAfter resets a connection when so many bytes were sent, of a TLS handshake for example.
func brokenAfter(bytes int64) spoiler {
	return func(conn net.Conn) (net.Conn, error) { return &brokenConn{Conn: conn, left: bytes}, nil }
}

type brokenConn struct {
	net.Conn

	left int64 // only touched by writes, of which there is one at a time
}

func (c *brokenConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		err = testkit.ErrConnReset
	}
	return n, err
}

func (c *brokenConn) Write(p []byte) (int, error) {
	part, sent := p[:min(int64(len(p)), c.left)], 0
	if len(part) > 0 {
		n, err := c.Conn.Write(part)
		if c.left -= int64(n); err != nil {
			return n, err
		}
		sent = n
	}
	if sent == len(p) {
		return sent, nil
	}
	_ = c.Close()
	return sent, testkit.ErrConnReset
}

// untrusted has a certificate that the client does not trust.
func untrusted(conn net.Conn) (net.Conn, error) {
	near, far := net.Pipe()
	queued := newQueuedConn(far)
	secure := tls.Server(queued, &tls.Config{Certificates: []tls.Certificate{certificates().unknown}, MinVersion: tls.VersionTLS13})
	go func() {
		_ = secure.HandshakeContext(context.Background()) // the client refuses
		_, _ = queued.Close(), conn.Close()
	}()
	return near, nil
}

// withoutTLS speaks plain HTTP to a client that begins a handshake.
func withoutTLS(conn net.Conn) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		if _, err := far.Read(make([]byte, 1024)); err == nil {
			_, _ = io.WriteString(far, "HTTP/1.0 400 Bad Request\r\n\r\n") // the client refuses it
		}
		_, _ = far.Close(), conn.Close()
	}()
	return near, nil
}

type certificateSet struct {
	trusted, unknown tls.Certificate
	roots            *x509.CertPool
}

// certificates are made once: one that the client trusts, and another one.
var certificates = sync.OnceValue(func() certificateSet {
	set := certificateSet{trusted: newCertificate(), unknown: newCertificate(), roots: x509.NewCertPool()}
	set.roots.AddCert(set.trusted.Leaf)
	return set
})

func newCertificate() tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), // in a bubble it is the year 2000
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
