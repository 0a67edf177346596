package cloudconverttest

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

var errForeignHost = errors.New("the local server sends no requests to other hosts: use WithNetworkImports, WithImportHosts or HandleURL")

// outbound sends the requests of the server, and holds the files that replace them.
type outbound struct {
	client  *http.Client
	network bool
	hosts   []string

	mu    sync.Mutex
	local map[string]string // by URL or object
}

func (o *outbound) init(cfg config, transport http.RoundTripper) {
	if cfg.outbound != nil {
		transport = cfg.outbound
	}
	o.client = &http.Client{Transport: transport, CheckRedirect: o.redirect}
	o.network = cfg.network || cfg.outbound != nil
	o.hosts = cfg.importHosts
}

// redirect refuses redirects to other hosts.
func (o *outbound) redirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("too many redirects")
	}
	return o.allow(req.URL)
}

func (o *outbound) do(req *http.Request) (*http.Response, error) {
	if err := o.allow(req.URL); err != nil {
		return nil, err
	}
	return o.client.Do(req)
}

func (o *outbound) allow(u *url.URL) error {
	host := u.Hostname()
	ip := net.ParseIP(host)
	if o.network || host == "localhost" || ip != nil && ip.IsLoopback() || slices.Contains(o.hosts, host) {
		return nil
	}
	return errForeignHost
}

// HandleURL makes import/url of a URL take the local file at path, without a request. An
// empty path removes that.
func (s *Server) HandleURL(url, path string) { s.outbound.register(url, path) }

func (o *outbound) register(name, path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.local == nil {
		o.local = map[string]string{}
	}
	o.local[name] = path
}

func (o *outbound) registered(name string) (string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	path := o.local[name]
	return path, path != ""
}

// objects returns the files whose names have a prefix, by the rest of the name.
func (o *outbound) objects(prefix string) map[string]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := map[string]string{}
	for name, path := range o.local {
		if key, ok := strings.CutPrefix(name, prefix); ok && path != "" {
			found[key] = path
		}
	}
	return found
}

// doOnce is do without redirects.
func (o *outbound) doOnce(req *http.Request) (*http.Response, error) {
	if err := o.allow(req.URL); err != nil {
		return nil, err
	}
	return o.client.Transport.RoundTrip(req)
}
