// Package outbound sends the requests of a server, for imports, exports and webhooks, and
// has the local files that stand for URLs.
package outbound

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/network"
)

// Client sends the requests of a server, and holds the files that replace them.
type Client struct {
	client *http.Client
	any    bool
	hosts  []string
	hint   string // for a request to another host

	mu    sync.Mutex
	local map[string]string // by URL
}

// New returns a client that sends requests to the loopback interface and to hosts, or to
// any host. The hint is part of the error for another host.
func New(transport http.RoundTripper, anyHost bool, hosts []string, hint string) *Client {
	c := &Client{any: anyHost, hosts: hosts, hint: hint}
	c.client = &http.Client{Transport: transport, CheckRedirect: c.redirect}
	return c
}

// CloseIdleConnections closes the connections that no request uses.
func (c *Client) CloseIdleConnections() { c.client.CloseIdleConnections() }

// redirect refuses redirects to other hosts.
func (c *Client) redirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("too many redirects")
	}
	return c.Allow(req.URL)
}

// Do sends a request, and follows redirects to permitted hosts.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if err := c.Allow(req.URL); err != nil {
		return nil, err
	}
	return c.client.Do(req)
}

// Allow returns an error for a host that no requests are sent to.
func (c *Client) Allow(u *url.URL) error {
	host := u.Hostname()
	ip := net.ParseIP(host)
	if c.any || network.IsLocalhost(host) || ip != nil && ip.IsLoopback() || slices.Contains(c.hosts, host) {
		return nil
	}
	return errors.New("the local server sends no requests to other hosts: " + c.hint)
}

// Register makes the local file at path stand for a URL. An empty path removes that.
func (c *Client) Register(rawURL, path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local == nil {
		c.local = map[string]string{}
	}
	c.local[rawURL] = path
}

// Registered returns the file that stands for a URL.
func (c *Client) Registered(rawURL string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	path := c.local[rawURL]
	return path, path != ""
}

// DoOnce is like Do without redirects.
func (c *Client) DoOnce(req *http.Request) (*http.Response, error) {
	if err := c.Allow(req.URL); err != nil {
		return nil, err
	}
	return c.client.Transport.RoundTrip(req)
}
