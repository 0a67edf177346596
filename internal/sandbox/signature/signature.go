// Package signature signs webhooks, signed URLs, and the URLs and forms of the storage.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// Sign returns the lower-case hexadecimal HMAC-SHA256.
func Sign(secret []byte, message string) string {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(message)) // a hash returns no error
	return hex.EncodeToString(mac.Sum(nil))
}

// Valid reports whether a signature is that of the message.
func Valid(secret []byte, message, signature string) bool {
	return hmac.Equal([]byte(Sign(secret, message)), []byte(signature))
}
