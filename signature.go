package cloudconvert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// What can be wrong with a signature.
var (
	// ErrNoSecret means that there is no signing secret, or that one of them is
	// empty. Without a secret, anybody could sign.
	ErrNoSecret = errors.New("cloudconvert: a signing secret is missing or empty")
	// ErrNoSignature means that a webhook delivery is not signed.
	ErrNoSignature = errors.New("cloudconvert: the webhook is not signed")
	// ErrSignatureMismatch means that the signature was not made over this body
	// with any of the secrets.
	ErrSignatureMismatch = errors.New("cloudconvert: the webhook signature does not match")
)

// VerifySignature returns nil if a webhook delivery comes from the service. It
// needs the body byte for byte as it arrived, and the signature from the header
// CloudConvert-Signature. [ParseWebhook] and [WebhookHandler] call it.
//
// Give more than one secret while a secret is being replaced: the signature
// must match one of them. An empty secret is an error even if another one
// matches. The errors are [ErrNoSecret], [ErrNoSignature] and
// [ErrSignatureMismatch].
//
// A signature covers no time and no number: whoever has seen a delivery can send
// the same one again.
func VerifySignature(body []byte, signature string, secrets ...string) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	if signature == "" {
		return ErrNoSignature
	}
	given, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("%w: it is not hexadecimal", ErrSignatureMismatch)
	}
	matches := false
	for _, secret := range secrets {
		matches = hmac.Equal(given, digest(body, secret)) || matches
	}
	if !matches {
		return ErrSignatureMismatch
	}
	return nil
}

// SignWebhook returns the signature that the service would send with a body.
// It is there for tests of your own webhook handler.
func SignWebhook(body []byte, secret string) string {
	return hex.EncodeToString(digest(body, secret))
}

// digest is how the service signs webhooks as well as URLs.
func digest(message []byte, secret string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(message)
	return mac.Sum(nil)
}

// checkSecrets refuses secrets that would let everybody sign.
func checkSecrets(secrets []string) error {
	if len(secrets) == 0 || slices.Contains(secrets, "") {
		return ErrNoSecret
	}
	return nil
}
