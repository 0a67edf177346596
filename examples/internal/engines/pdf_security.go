package engines

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// encrypt protects a document with passwords and permissions.
func (p *pdf) encrypt(ctx context.Context, w work) error {
	permissions, err := permissions(w)
	if err != nil {
		return err
	}
	file, err := content(w.in, maxPDFInput)
	if err != nil {
		return err
	}
	s := settings("")
	s.UserPW = w.run.Text("set_password")
	// Without an owner password, no password grants more rights.
	s.OwnerPW = cmp.Or(w.run.Text("set_owner_password"), rand.Text())
	s.Permissions = permissions
	result, err := guarded(ctx, p.kit, func() ([]byte, error) {
		out := &bounded{limit: maxPDFOutput}
		if err := api.Encrypt(bytes.NewReader(file), out, s); err != nil {
			return nil, unreadable(w.in, err)
		}
		return out.buffer, nil
	})
	if err != nil {
		return err
	}
	return w.run.Write(w.name(), result)
}

// decrypt removes the protection, with either password.
func (p *pdf) decrypt(ctx context.Context, w work) error {
	return p.change(ctx, w, func(doc *model.Context) error {
		doc.Cmd = model.DECRYPT
		return nil
	})
}

// The permissions of a document without the owner password.
const (
	printing   = model.PermissionPrintRev2 | model.PermissionPrintRev3
	forms      = model.PermissionFillRev3
	annotating = forms | model.PermissionModAnnFillForm
	modifying  = annotating | model.PermissionModify | model.PermissionAssembleRev3
)

// permissions returns the permissions by the parameters that begin with allow_. The
// default is to allow.
func permissions(w work) (model.PermissionFlags, error) {
	modify, ok := map[string]model.PermissionFlags{
		"": modifying, "all": modifying, "annotate": annotating, "form": forms, "assembly": model.PermissionAssembleRev3, "none": 0,
	}[w.run.Text("allow_modify")]
	if !ok {
		return 0, invalid("allow_modify needs all, annotate, form, assembly or none, not %q", clip(w.run.Text("allow_modify")))
	}
	prints, ok := map[string]model.PermissionFlags{
		"": printing, "full": printing, "low": model.PermissionPrintRev2, "none": 0,
	}[w.run.Text("allow_print")]
	if !ok {
		return 0, invalid("allow_print needs full, low or none, not %q", clip(w.run.Text("allow_print")))
	}
	flags := model.PermissionsNone | modify | prints
	if allowed(w, "allow_extract") {
		flags |= model.PermissionExtract
	}
	if allowed(w, "allow_accessibility") {
		flags |= model.PermissionExtractRev3
	}
	return flags, nil
}

// allowed returns a boolean parameter that is true by default.
func allowed(w work, name string) bool {
	return w.run.Params[name] == nil || w.run.Bool(name)
}
