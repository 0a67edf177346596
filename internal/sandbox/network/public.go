package network

import (
	"cmp"
	"context"
	"net"
	"net/url"
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
		to := cmp.Or(direct[addr], direct[strings.Replace(addr, "localhost:", "127.0.0.1:", 1)], addr)
		return dial(ctx, network, to)
	}
}
