package engines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// optimize makes a document smaller, or leaves it unchanged.
func (p *pdf) optimize(ctx context.Context, w work) error {
	doc, err := p.open(ctx, w)
	if err != nil {
		return err
	}
	file, err := guarded(ctx, p.kit, func() ([]byte, error) { return written(doc) })
	if err != nil {
		return err
	}
	small := min(int64(len(file)), w.in.Size)
	w.run.SetMessage(fmt.Sprintf("File size reduced by %d%%", 100*(w.in.Size-small)/max(w.in.Size, 1)))
	if small == w.in.Size {
		return passOn(w)
	}
	return w.run.Write(w.name(), file)
}

// passOn returns the input as the result.
func passOn(w work) error {
	f, err := os.Open(w.in.Path)
	if err != nil {
		return err
	}
	return errors.Join(w.run.ReadFrom(w.name(), f), f.Close())
}

// libraryVersion returns the version of the PDF library, such as "0.15.0".
func libraryVersion() string {
	version, _, _ := strings.Cut(model.VersionStr, " ")
	return strings.TrimPrefix(version, "v")
}
