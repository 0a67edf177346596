package cloudconvert_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

const webhookSecret = "an invented secret"

// webhookFixtures are bodies as they are delivered: minified, with escaped slashes.
var webhookFixtures = []string{"job.created", "job.finished", "job.failed"}

func webhookBody(tb testing.TB, event string) []byte {
	tb.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "webhooks", filepath.Base(event)+".json"))
	require.NoError(tb, err)
	return body
}

// signatureVectors are digests that other implementations computed, too.
var signatureVectors = map[string]struct{ secret, body, signature string }{
	"twelve bytes": {
		"90sffs0d8fs0f9sf0", "cloudconvert",
		"5c4c0691bce8a1a2af738b7073fe0627e792734813358c5f88a658819dd0a6d2",
	},
	"an event": {
		"secret", `{"event":"job.finished","job":{"id":"4b6ee8e2-e293-4805-b48e-a03876d1ec66"}}`,
		"3539e7cb61bad6261e5dfb65b3491b39960ce56304967df33ce22bed752eafd0",
	},
	"nothing": {
		"secret", "",
		"f9e66e179b6747ae54108f82f8ade8b3c25d76fd30afde6c395822c530196169",
	},
	"not only ASCII": {
		"secret", `{"event":"job.failed","job":{"id":"ü"}}`,
		"77c8afe916399776478a6907cf1004ba7c6a700e108653f4c32ac7e071a06e2a",
	},
}

func TestVerifySignatureVectors(t *testing.T) {
	t.Parallel()
	for name, v := range signatureVectors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte(v.body)
			assert.Equal(t, v.signature, cloudconvert.SignWebhook(body, v.secret))
			require.NoError(t, cloudconvert.VerifySignature(body, v.signature, v.secret))
			require.NoError(t, cloudconvert.VerifySignature(body, strings.ToUpper(v.signature), v.secret))

			other := append(bytes.Clone(body), '\n')
			require.ErrorIs(t, cloudconvert.VerifySignature(other, v.signature, v.secret), cloudconvert.ErrSignatureMismatch)
			require.ErrorIs(t, cloudconvert.VerifySignature(body, v.signature, v.secret+"x"), cloudconvert.ErrSignatureMismatch)
		})
	}
}

func TestVerifySignatureRefusesWrongSignatures(t *testing.T) {
	t.Parallel()
	body := webhookBody(t, "job.finished")
	good := cloudconvert.SignWebhook(body, webhookSecret)
	tests := map[string]struct {
		signature string
		want      error
	}{
		"none":              {"", cloudconvert.ErrNoSignature},
		"a blank":           {" ", cloudconvert.ErrSignatureMismatch},
		"a blank before":    {" " + good, cloudconvert.ErrSignatureMismatch},
		"not hexadecimal":   {strings.Repeat("xy", 32), cloudconvert.ErrSignatureMismatch},
		"half of it":        {good[:32], cloudconvert.ErrSignatureMismatch},
		"an odd length":     {good[:63], cloudconvert.ErrSignatureMismatch},
		"more of it":        {good + "00", cloudconvert.ErrSignatureMismatch},
		"twice":             {good + good, cloudconvert.ErrSignatureMismatch},
		"with the method":   {"sha256=" + good, cloudconvert.ErrSignatureMismatch},
		"zeros":             {strings.Repeat("0", 64), cloudconvert.ErrSignatureMismatch},
		"of another secret": {cloudconvert.SignWebhook(body, "another"), cloudconvert.ErrSignatureMismatch},
		"of an empty secret": {
			cloudconvert.SignWebhook(body, ""), cloudconvert.ErrSignatureMismatch,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := cloudconvert.VerifySignature(body, tt.signature, webhookSecret)
			require.ErrorIs(t, err, tt.want)
			assert.NotContains(t, err.Error(), webhookSecret)
		})
	}
}

func TestVerifySignatureRefusesEmptySecrets(t *testing.T) {
	t.Parallel()
	body := []byte("{}")
	for name, secrets := range map[string][]string{
		"none":         nil,
		"empty":        {""},
		"empty first":  {"", webhookSecret},
		"empty last":   {webhookSecret, ""},
		"empty within": {webhookSecret, "", "another"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, signature := range []string{
				"", cloudconvert.SignWebhook(body, webhookSecret), cloudconvert.SignWebhook(body, ""),
			} {
				require.ErrorIs(t, cloudconvert.VerifySignature(body, signature, secrets...), cloudconvert.ErrNoSecret)
			}
		})
	}
}

func TestVerifySignatureAcceptsOldAndNewSecret(t *testing.T) {
	t.Parallel()
	body := webhookBody(t, "job.failed")
	for _, secret := range []string{"old", "new"} {
		signature := cloudconvert.SignWebhook(body, secret)
		require.NoError(t, cloudconvert.VerifySignature(body, signature, "old", "new"))
		require.NoError(t, cloudconvert.VerifySignature(body, signature, "new", "old"))
	}
	foreign := cloudconvert.SignWebhook(body, "foreign")
	require.ErrorIs(t, cloudconvert.VerifySignature(body, foreign, "old", "new"), cloudconvert.ErrSignatureMismatch)
}

func TestVerifySignatureRefusesChangedBytes(t *testing.T) {
	t.Parallel()
	for _, event := range webhookFixtures {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			body := webhookBody(t, event)
			signature := cloudconvert.SignWebhook(body, webhookSecret)
			require.NoError(t, cloudconvert.VerifySignature(body, signature, webhookSecret))
			for i := range body {
				changed := bytes.Clone(body)
				changed[i] ^= 1
				require.ErrorIs(t, cloudconvert.VerifySignature(changed, signature, webhookSecret), cloudconvert.ErrSignatureMismatch, "byte %d", i)
			}
			for i := range signature {
				changed := []byte(signature)
				changed[i] = map[bool]byte{true: '1', false: '0'}[changed[i] == '0']
				require.ErrorIs(t, cloudconvert.VerifySignature(body, string(changed), webhookSecret), cloudconvert.ErrSignatureMismatch, "byte %d", i)
			}
		})
	}
}

// A body that is decoded and encoded again has different bytes.
func TestVerifySignatureNeedsTheRawBody(t *testing.T) {
	t.Parallel()
	body := webhookBody(t, "job.finished")
	signature := cloudconvert.SignWebhook(body, webhookSecret)
	plain := bytes.ReplaceAll(body, []byte(`\/`), []byte("/"))
	require.NotEqual(t, body, plain)
	require.JSONEq(t, string(body), string(plain))
	require.ErrorIs(t, cloudconvert.VerifySignature(plain, signature, webhookSecret), cloudconvert.ErrSignatureMismatch)
}

func FuzzVerifySignature(f *testing.F) {
	f.Add([]byte("{}"), "", "secret")
	for _, v := range signatureVectors {
		f.Add([]byte(v.body), v.signature, v.secret)
		f.Add([]byte(v.body), strings.ToUpper(v.signature), v.secret)
		f.Add([]byte(v.body), v.signature[1:], v.secret)
	}
	f.Fuzz(func(t *testing.T, body []byte, signature, secret string) {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		good := secret != "" && strings.EqualFold(signature, hex.EncodeToString(mac.Sum(nil)))
		assert.Equal(t, good, cloudconvert.VerifySignature(body, signature, secret) == nil)
	})
}
