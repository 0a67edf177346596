package network

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// certificate returns the self-signed certificate of all servers of this process.
var certificate = sync.OnceValues(func() (tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{Organization: []string{"cloudconverttest"}},
		NotBefore:             time.Unix(0, 0), // the clock of a synctest bubble begins in 2000
		NotAfter:              time.Unix(1<<33, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
})

// ServerTLS returns the TLS configuration of the hosts.
func ServerTLS() (*tls.Config, error) {
	cert, err := certificate()
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{cert},
		// A pipe has no buffer: writing a ticket at the end of the handshake would wait
		// for a client that waits for its first frames to be read.
		SessionTicketsDisabled: true,
	}, nil
}

// ClientTLS returns a TLS configuration that trusts the hosts with the configuration
// server, and the given roots, which may be nil. It returns nil without TLS.
func ClientTLS(server *tls.Config, roots *x509.CertPool) *tls.Config {
	if server == nil {
		return nil
	}
	if roots == nil {
		roots = x509.NewCertPool()
	}
	roots.AddCert(server.Certificates[0].Leaf)
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
}
