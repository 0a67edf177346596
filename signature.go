package cloudconvert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// The errors of [VerifySignature].
var (
	// ErrNoSecret means that no signing secret is given or that one is empty.
	// With an empty secret, anyone could sign.
	ErrNoSecret = errors.New("cloudconvert: a signing secret is missing or empty")
	// ErrNoSignature means that a webhook delivery is not signed.
	ErrNoSignature = errors.New("cloudconvert: the webhook is not signed")
	// ErrSignatureMismatch means that the signature does not match the body with
	// any of the secrets.
	ErrSignatureMismatch = errors.New("cloudconvert: the webhook signature does not match")
)

// VerifySignature verifies the signature of a webhook delivery, and returns nil
// if the service sent it. The body must be the exact bytes that were received.
// The signature is in the header CloudConvert-Signature. [ParseWebhook] and
// [WebhookHandler] call VerifySignature.
//
// Several secrets can be given while one is being replaced: the signature must
// match one of them. An empty secret is an error even if another one matches. The
// error matches [ErrNoSecret], [ErrNoSignature] or [ErrSignatureMismatch].
//
// A signature covers neither a time nor a sequence number, so a delivery can be
// replayed by anyone who has seen it.
func VerifySignature(body []byte, signature string, secrets ...string) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	if signature == "" {
		return ErrNoSignature
	}
	given, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("%w: not hexadecimal", ErrSignatureMismatch)
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

// SignWebhook returns the signature that the service sends with a body, in the header
// CloudConvert-Signature. It is meant for tests of webhook handlers.
func SignWebhook(body []byte, secret string) string {
	return hex.EncodeToString(digest(body, secret))
}

// digest returns the HMAC-SHA256 that signs webhooks and URLs.
func digest(message []byte, secret string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(message)
	return mac.Sum(nil)
}

// checkSecrets returns ErrNoSecret if no secret is given or one is empty.
func checkSecrets(secrets []string) error {
	if len(secrets) == 0 || slices.Contains(secrets, "") {
		return ErrNoSecret
	}
	return nil
}
