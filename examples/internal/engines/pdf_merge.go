package engines

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// merge merges all input files into one PDF, in their order. It converts other formats to
// PDF first.
func (p *pdf) merge(ctx context.Context, run *cloudconverttest.Run) error {
	if len(run.Inputs) == 0 {
		return cloudconverttest.Fail("INPUT_TASK_FAILED", "There is no input file")
	}
	var files []io.ReadSeeker
	var size int
	for i, in := range run.Inputs {
		file, err := p.asPDF(ctx, work{run: run, in: in, n: 1, total: 1})
		if err != nil {
			return err
		}
		if size += len(file); size > maxPDFOutput {
			return errTooMuch
		}
		files = append(files, bytes.NewReader(file))
		run.SetPercent(90 * (i + 1) / len(run.Inputs))
	}
	merged, err := guarded(ctx, p.kit, func() ([]byte, error) { return joined(files) })
	if err != nil {
		return err
	}
	return run.Write(run.OutputName(run.Input()), merged)
}

func joined(files []io.ReadSeeker) ([]byte, error) {
	out := &bounded{limit: maxPDFOutput}
	err := api.MergeRaw(files, out, false, settings(""))
	switch {
	case errors.Is(err, pdfcpu.ErrEncrypted):
		return nil, cloudconverttest.Fail("OPEN_FAILED", "One of the PDFs is protected by a password")
	case errors.Is(err, errTooMuch):
		return nil, errTooMuch
	case err != nil:
		return nil, cloudconverttest.Fail("OPEN_FAILED", "One of the PDFs cannot be read: "+clip(err.Error()))
	}
	return out.buffer, nil
}

// asPDF returns an input file as PDF.
func (p *pdf) asPDF(ctx context.Context, w work) ([]byte, error) {
	switch {
	case w.in.Format == "pdf":
		return content(w.in, maxPDFInput)
	case slices.Contains(imageFormats, w.in.Format):
		return p.imageAsPDF(ctx, w)
	case p.office.canConvert(w.in.Format, "pdf"):
		path, err := p.office.produce(ctx, w, "pdf")
		if err != nil {
			return nil, err
		}
		return content(cloudconverttest.Input{Name: w.in.Name, Path: path, Size: sizeOf(path)}, maxPDFInput)
	}
	return nil, cloudconverttest.ErrUnsupported
}
