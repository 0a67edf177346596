// Package cors lets pages of any origin use a server.
package cors

import (
	"net/http"
	"strings"
)

// The value of headers in responses.
const (
	methods = "GET, HEAD, POST, DELETE"
	maxAge  = "3600" // seconds for which a browser keeps the response to a preflight
	exposed = "Content-Disposition, ETag, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining"
)

// Allow sets the headers by which a page of another origin may read the response. With
// credentials, the page may also send its cookies.
func Allow(h http.Header, r *http.Request, credentials bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", exposed)
	h.Set("Vary", "Origin")
	if credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// IsPreflight reports whether a browser asks if a page may send a request.
func IsPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != ""
}

// Preflight responds to a preflight: the page may send any method of the server, and the
// headers that the preflight names.
func Preflight(w http.ResponseWriter, r *http.Request, credentials bool) {
	h := w.Header()
	Allow(h, r, credentials)
	h.Del("Access-Control-Expose-Headers")
	h.Set("Access-Control-Allow-Methods", methods)
	if wanted := r.Header.Values("Access-Control-Request-Headers"); len(wanted) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(wanted, ", "))
	}
	h.Set("Access-Control-Max-Age", maxAge)
	h.Set("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	h.Set("Server", "nginx")
	w.WriteHeader(http.StatusNoContent)
}
