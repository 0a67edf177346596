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

var errForeignHost = errors.New("the local server does not call other hosts; see WithNetworkImports, WithImportHosts and HandleURL")

// outbound makes the requests of the server itself and knows what it need not request.
type outbound struct {
	client  *http.Client
	network bool
	hosts   []string

	mu    sync.Mutex
	local map[string]string // address or object to path
}

func (o *outbound) init(cfg config, transport http.RoundTripper) {
	if cfg.outbound != nil {
		transport = cfg.outbound
	}
	o.client = &http.Client{Transport: transport, CheckRedirect: o.redirect}
	o.network = cfg.network || cfg.outbound != nil
	o.hosts = cfg.importHosts
}

// redirect follows to allowed hosts only.
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

// HandleURL makes import/url of the address take the local file at path,
// without a request. An empty path undoes that.
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

// objects are the registrations whose name has a prefix, without it.
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

// doOnce is do without following redirects.
func (o *outbound) doOnce(req *http.Request) (*http.Response, error) {
	if err := o.allow(req.URL); err != nil {
		return nil, err
	}
	return o.client.Transport.RoundTrip(req)
}
