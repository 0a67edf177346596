package cloudconvert_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// A network leads to a server in process. It spoils connections when it is
// told to, and tells when something happens on them.
type network struct {
	transport *http.Transport
	secure    bool // connections begin with a TLS handshake

	mu      sync.Mutex
	spoil   spoiler
	spoils  int // how many connections are going to be spoilt, or -1 for all
	moments int // dials, reads and writes so far
	moment  int // the one that onMoment is called at
	onEvent func()
	written int64
	open    int // connections
}

// A spoiler turns a new connection into one that fails, or refuses it.
type spoiler func(net.Conn) (net.Conn, error)

func newNetwork(server *cloudconverttest.Server, secure bool) *network {
	n := &network{secure: secure, transport: server.HTTPClient().Transport.(*http.Transport).Clone()}
	dial := n.transport.DialContext
	n.transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		n.happen(0)
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if conn, err = n.prepare(conn); err != nil {
			return nil, err
		}
		n.count(1)
		return &watchedConn{Conn: conn, network: n}, nil
	}
	n.transport.TLSClientConfig = &tls.Config{RootCAs: certificates().roots, MinVersion: tls.VersionTLS13}
	return n
}

// fail spoils so many connections, or all if that is 0.
func (n *network) fail(times int, spoil spoiler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.spoil, n.spoils = spoil, times
	if times == 0 {
		n.spoils = -1
	}
}

// watch calls a function at a moment, counted from now on and from 1.
func (n *network) watch(moment int, f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.moments, n.written, n.moment, n.onEvent = 0, 0, moment, f
}

// seen returns how many moments there were and how many bytes were written.
func (n *network) seen() (moments int, written int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.moments, n.written
}

// connections returns how many are open.
func (n *network) connections() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open
}

func (n *network) count(change int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open += change
}

// prepare makes a connection what it is to the client.
func (n *network) prepare(conn net.Conn) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.spoils != 0:
		n.spoils--
		return n.spoil(conn)
	case n.secure:
		return throughTLS(conn, certificates().trusted), nil
	default:
		return conn, nil
	}
}

func (n *network) happen(written int) {
	n.mu.Lock()
	n.moments++
	n.written += int64(written)
	now, f := n.moments == n.moment, n.onEvent
	n.mu.Unlock()
	if now {
		f()
	}
}

// watchedConn tells its network of each read and write.
type watchedConn struct {
	net.Conn

	network *network
	closed  sync.Once
}

func (c *watchedConn) Close() error {
	c.closed.Do(func() { c.network.count(-1) })
	return c.Conn.Close()
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.network.happen(0)
	return n, err
}

func (c *watchedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.network.happen(n)
	return n, err
}

// refused makes no connection.
func refused(conn net.Conn) (net.Conn, error) {
	_ = conn.Close()
	return nil, errRefused
}

// brokenAfter resets a connection when so many bytes were sent.
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
		err = errConnReset
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
	return sent, errConnReset
}

// untrusted has the certificate of somebody else.
func untrusted(conn net.Conn) (net.Conn, error) { return throughTLS(conn, certificates().unknown), nil }

// withoutTLS speaks plain HTTP to a client that begins a handshake.
func withoutTLS(conn net.Conn) (net.Conn, error) { return conn, nil }

// throughTLS returns a connection to which TLS must be spoken.
func throughTLS(conn net.Conn, certificate tls.Certificate) net.Conn {
	near, far := net.Pipe()
	secure := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13})
	forward := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // however it ends, both do
		_, _ = conn.Close(), far.Close()
	}
	go forward(conn, secure)
	go forward(secure, conn)
	return near
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
