package network

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Reachable returns the address of a listener for a client, with the given host in place
// of that of the listener. Without one it is for a client on this machine.
func Reachable(addr net.Addr, host string) string {
	own, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(own); ip == nil || ip.IsUnspecified() {
		own = "127.0.0.1"
	}
	return net.JoinHostPort(cmp.Or(host, own), port)
}

// IsLocalhost reports whether a host is localhost, in upper case or with a trailing dot
// too.
func IsLocalhost(host string) bool {
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}

// loopback returns an address with 127.0.0.1 in place of localhost.
func loopback(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !IsLocalhost(host) {
		return addr
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// StorageHost returns an address with localhost in place of 127.0.0.1, and any other
// without changes.
func StorageHost(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != "127.0.0.1" {
		return addr
	}
	return net.JoinHostPort("localhost", port)
}

// plainHost matches a host name that needs no quotes in a shell.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

// ParsePublicURL parses the URL at which clients reach a server. It is a scheme, a host
// and possibly a port.
func ParsePublicURL(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil || !isPublicURL(u) {
		return nil, fmt.Errorf("invalid public URL %q: want a scheme and a host, such as http://sandbox:8080", rawURL)
	}
	return u, nil
}

func isPublicURL(u *url.URL) bool {
	host := u.Hostname()
	if u.Scheme != "http" && u.Scheme != "https" || !plainHost.MatchString(host) && net.ParseIP(host) == nil {
		return false
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	return u.User == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
}

// DirectDialer connects to the listeners where their public addresses are asked for, and
// uses dial for other addresses. The first listener has the port of the public URL, if
// that is not encrypted, and the others their own.
func DirectDialer(dial DialFunc, public *url.URL, listeners ...net.Listener) DialFunc {
	direct := map[string]string{}
	for _, l := range listeners {
		direct[Reachable(l.Addr(), public.Hostname())] = Reachable(l.Addr(), "")
	}
	if public.Scheme == "http" {
		direct[net.JoinHostPort(public.Hostname(), cmp.Or(public.Port(), "80"))] = Reachable(listeners[0].Addr(), "")
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		to := cmp.Or(direct[addr], direct[loopback(addr)], addr)
		return dial(ctx, network, to)
	}
}
