package cloudconverttest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	bucket        = "tasks"
	amzDate       = "20060102T150405Z"
	filenameToken = "${filename}"
	uploadPath    = "/storage/" + bucket
	oldUploadPath = "/storage/upload/"
)

// uploadForm is the form of an upload task that has no file yet.
type uploadForm struct {
	url        string
	parameters parameters
	expires    time.Time
	used       bool // a file was stored
	filename   string
	blob       *blob
}

// offerForm makes the form of an upload task.
func (s *Server) offerForm(t *task) {
	t.message = messageAwaitsUpload
	now := s.clock.now()
	t.form = &uploadForm{expires: now.Add(s.cfg.formExpiry)}
	if s.cfg.oldForm {
		s.offerOldForm(t)
	} else {
		s.offerPolicyForm(t, now)
	}
	s.forms = append(s.forms, t)
}

func (s *Server) wireForm(t *task) *wireForm {
	return &wireForm{URL: t.form.url, Parameters: t.form.parameters}
}

// offerPolicyForm makes a form with a signed policy, as S3 has it.
func (s *Server) offerPolicyForm(t *task, now time.Time) {
	fields := []parameter{{"acl", "private"}, {"key", t.id + "/" + filenameToken}}
	if redirect, ok := asText(t.request.params["redirect"]); ok && redirect != "" {
		fields = append(fields, parameter{"success_action_redirect", redirect})
	} else {
		fields = append(fields, parameter{"success_action_status", "201"})
	}
	fields = append(fields,
		parameter{"X-Amz-Credential", s.amzCredential(now)},
		parameter{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
		parameter{"X-Amz-Date", now.UTC().Format(amzDate)},
	)
	policy := s.newPolicy(t, fields)
	t.form.url = s.storageOrigin + uploadPath
	fields = append(fields, parameter{"Policy", policy}, parameter{"X-Amz-Signature", s.storageSignature(policy)})
	t.form.parameters = fields
}

// policy is the signed policy of a form.
type policy struct {
	Expiration string `json:"expiration"`
	Conditions []any  `json:"conditions"`
}

// newPolicy allows the fields of the form with their values, the key with any file name,
// and the file up to a size.
func (s *Server) newPolicy(t *task, fields []parameter) string {
	conditions := []any{map[string]any{"bucket": bucket}, []any{"starts-with", "$key", t.id + "/"}}
	for _, f := range fields {
		if f.name != "key" {
			conditions = append(conditions, map[string]any{f.name: f.value})
		}
	}
	conditions = append(conditions, []any{"content-length-range", 0, s.cfg.maxUpload})
	raw, err := encode(policy{Expiration: t.form.expires.UTC().Format("2006-01-02T15:04:05Z"), Conditions: conditions})
	if err != nil {
		return "" // strings and numbers can always be encoded
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func (s *Server) amzCredential(now time.Time) string {
	return "cloudconvert-local/" + now.UTC().Format("20060102") + "/local/s3/aws4_request"
}

func (s *Server) storageSignature(message string) string { return sign(s.storageSecret, message) }

// sign returns the lower-case hexadecimal HMAC-SHA256.
func sign(secret []byte, message string) string {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(message)) // a hash returns no error
	return hex.EncodeToString(mac.Sum(nil))
}

func validSignature(secret []byte, message, signature string) bool {
	return hmac.Equal([]byte(sign(secret, message)), []byte(signature))
}

// offerOldForm makes a form as in 2019: with numbers as parameters, and a query in the
// URL.
func (s *Server) offerOldForm(t *task) {
	const files = 1
	expires := t.form.expires.Unix()
	redirect, _ := asText(t.request.params["redirect"])
	t.form.url = s.storageOrigin + oldUploadPath + t.id + "?" + url.Values{"redirect": {redirect}}.Encode()
	t.form.parameters = parameters{
		{"expires", expires},
		{"max_file_count", files},
		{"max_file_size", s.cfg.maxUpload},
		{"signature", s.oldSignature(t.id, redirect, expires, files, s.cfg.maxUpload)},
	}
}

func (s *Server) oldSignature(id, redirect string, numbers ...int64) string {
	parts := []string{oldUploadPath + id, redirect}
	for _, n := range numbers {
		parts = append(parts, strconv.FormatInt(n, 10))
	}
	return s.storageSignature(strings.Join(parts, "\n"))
}
