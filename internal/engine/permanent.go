package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// unusable are the texts by which net/http reports unusable URLs. These errors have no
// type or value to match.
var unusable = []string{"unsupported protocol scheme", "http: no Host in request URL", "invalid proxy address"}

// isUntrusted reports whether this program refused the certificate of the server. A
// callback of the program may return errors of crypto/x509 unwrapped; they can be
// recognized by their texts.
func isUntrusted(err error) bool {
	return hasError[*tls.CertificateVerificationError](err) || strings.Contains(err.Error(), "x509: ")
}

func hasError[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// refusals are the alerts by which a server refuses a TLS handshake with this program.
// Other alerts may be due to a failure of the server or a damaged connection.
var refusals = []tls.AlertError{
	40,             // handshake failure
	42, 43, 44, 45, // bad, unsupported, revoked and expired certificate
	46, 48, // unknown certificate and authority
	47,  // illegal parameter
	49,  // access denied
	60,  // export restriction
	70,  // protocol version
	71,  // insufficient security
	86,  // inappropriate fallback
	109, // missing extension
	110, // unsupported extension
	111, // certificate unobtainable
	112, // unrecognized name
	113, // bad certificate status
	114, // bad certificate hash
	115, // unknown identity of a shared key
	116, // certificate required
	120, // no application protocol
	121, // encrypted hello required
}

// incompatible are the texts by which crypto/tls reports a server that it cannot
// communicate with.
var incompatible = []string{
	"tls: no supported versions", "tls: server selected", "tls: server chose", "tls: server advertised",
	"tls: failed to parse certificate", "tls: server's certificate contains an unsupported type",
}

// isRefusedByTLS reports whether the server refused a TLS handshake with this program, or
// this program with the server.
func isRefusedByTLS(err error) bool {
	if hasError[tls.RecordHeaderError](err) || hasError[*tls.ECHRejectionError](err) || containsAny(err.Error(), incompatible) {
		return true
	}
	// crypto/tls does not export the type of alerts that it receives.
	return slices.ContainsFunc(refusals, func(alert tls.AlertError) bool {
		return errors.Is(err, alert) || strings.Contains(err.Error(), "error: "+alert.Error())
	})
}

// proxyError is the error of a proxy that refused a connection.
type proxyError struct{ Status int }

// Error returns the message of the error.
func (e *proxyError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the proxy refused the connection: %d %s", e.Status, http.StatusText(e.Status)))
}

// checkProxy is for [http.Transport.OnProxyConnectResponse]. When a proxy refuses,
// net/http returns only the text of the status, which the proxy may choose.
func checkProxy(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{Status: resp.StatusCode}
}

// proxyTexts are the texts by which net/http reports that a SOCKS proxy refused.
var proxyTexts = []string{
	"no acceptable authentication methods", "username/password authentication failed", "invalid username/password",
	"connection not allowed by ruleset",
}

// isRefusedByProxy reports whether a proxy refuses to make the connection, and would
// refuse again.
func isRefusedByProxy(err error) bool {
	if refused, ok := errors.AsType[*proxyError](err); ok {
		return isFinal(refused.Status)
	}
	text := innermost(err).Error()
	for status := http.StatusBadRequest; status < http.StatusInternalServerError; status++ {
		if usual := http.StatusText(status); usual != "" && isFinal(status) && strings.HasPrefix(text, usual) {
			return true
		}
	}
	return containsAny(text, proxyTexts)
}

// isProxyError reports whether an error proves that a proxy refused to make the
// connection.
func isProxyError(err error) bool {
	return hasError[*proxyError](err) || strings.HasPrefix(innermost(err).Error(), http.StatusText(http.StatusProxyAuthRequired))
}

// isFinal reports whether the same request would get the same status again.
func isFinal(status int) bool {
	return status >= http.StatusBadRequest && status < http.StatusInternalServerError &&
		!slices.Contains([]int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}, status)
}

func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func containsAny(text string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}
