package storage

import (
	"encoding/base64"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/signature"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

const (
	bucket        = "tasks"
	amzDate       = "20060102T150405Z"
	filenameToken = "${filename}"
	uploadPath    = "/storage/" + bucket
)

// Form is the form of an upload task.
type Form struct {
	wire.Form

	Expires time.Time
}

// NewForm makes the form of an upload task, with a signed policy as S3 has it. A client is
// redirected to the URL redirect after the upload, unless it is empty.
func (s *Storage) NewForm(taskID, redirect string) *Form {
	now := s.clock.Now()
	f := &Form{Expires: now.Add(s.cfg.FormLifetime)}
	fields := wire.Parameters{field("acl", "private"), field("key", taskID+"/"+filenameToken)}
	if redirect != "" {
		fields = append(fields, field("success_action_redirect", redirect))
	} else {
		fields = append(fields, field("success_action_status", "201"))
	}
	fields = append(fields,
		field("X-Amz-Credential", s.amzCredential(now)),
		field("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
		field("X-Amz-Date", now.UTC().Format(amzDate)),
	)
	policy := s.newPolicy(f, taskID, fields)
	f.URL = s.origin + uploadPath
	fields = append(fields, field("Policy", policy), field("X-Amz-Signature", s.sign(policy)))
	f.Parameters = fields
	return f
}

func field(name string, value any) wire.Parameter { return wire.Parameter{Name: name, Value: value} }

// policy is the signed policy of a form.
type policy struct {
	Expiration string `json:"expiration"`
	Conditions []any  `json:"conditions"`
}

// newPolicy allows the fields of the form with their values, the key with any file name,
// and the file up to a size.
func (s *Storage) newPolicy(form *Form, taskID string, fields wire.Parameters) string {
	conditions := []any{map[string]any{"bucket": bucket}, []any{"starts-with", "$key", taskID + "/"}}
	for _, f := range fields {
		if f.Name != "key" {
			conditions = append(conditions, map[string]any{f.Name: f.Value})
		}
	}
	conditions = append(conditions, []any{"content-length-range", 0, s.cfg.MaxUpload})
	raw, err := wire.Encode(policy{Expiration: form.Expires.UTC().Format("2006-01-02T15:04:05Z"), Conditions: conditions})
	if err != nil {
		return "" // strings and numbers can always be encoded
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func (s *Storage) amzCredential(now time.Time) string {
	return "cloudconvert-local/" + now.UTC().Format("20060102") + "/local/s3/aws4_request"
}

func (s *Storage) sign(message string) string {
	return signature.Sign(s.secret, message)
}
