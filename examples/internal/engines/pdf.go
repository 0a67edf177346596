package engines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

const (
	maxPDFInput  = 128 << 20
	maxPDFOutput = 512 << 20
)

// pdf edits PDFs with a library, in memory.
type pdf struct {
	kit    *kit
	office *office // converts documents for merge; may be nil
}

// onlyPDF are the formats of operations on PDFs.
var onlyPDF = []string{"pdf"}

func newPDF(k *kit, o *office) *pdf { return &pdf{kit: k, office: o} }

func (p *pdf) engine() Engine {
	return Engine{
		Name:        "pdfcpu",
		Conversions: []Conversion{{From: imageFormats, To: []string{"pdf"}}},
		version:     func(context.Context) string { return libraryVersion() },
		convert:     p.fromImage,
		operations: map[string]operation{
			"merge":             {to: onlyPDF, task: p.merge},
			"optimize":          {from: onlyPDF, file: p.optimize},
			"watermark":         {from: onlyPDF, file: p.watermark},
			"pdf/encrypt":       {from: onlyPDF, file: p.encrypt},
			"pdf/decrypt":       {from: onlyPDF, file: p.decrypt},
			"pdf/split-pages":   {from: onlyPDF, file: p.split},
			"pdf/extract-pages": {from: onlyPDF, file: p.extract},
			"pdf/rotate-pages":  {from: onlyPDF, file: p.rotate},
		},
	}
}

// withoutConfiguration keeps the library from writing its settings to the user's home.
var withoutConfiguration = sync.OnceFunc(api.DisableConfigDir)

// settings returns the settings to read a PDF, which may have a password.
func settings(password string) *model.Configuration {
	withoutConfiguration()
	s := model.NewDefaultConfiguration()
	s.Cmd = model.VALIDATE
	s.UserPW, s.OwnerPW = password, password
	s.Offline = true
	s.CreateBookmarks = false
	s.Limits.MaxStreamBytes = maxPDFInput
	s.Limits.MaxDecodeBytes = maxPDFInput
	s.Limits.MaxImagePixels = 50_000_000
	s.Limits.MaxImageBytes = 256 << 20
	s.Limits.MaxObjectCount = 2_000_000
	s.Limits.MaxXRefEntries = 2_000_000
	return s
}

// open reads the input file.
func (p *pdf) open(ctx context.Context, w work) (*model.Context, error) {
	file, err := content(w.in, maxPDFInput)
	if err != nil {
		return nil, err
	}
	return guarded(ctx, p.kit, func() (*model.Context, error) {
		doc, err := api.ReadValidateAndOptimize(bytes.NewReader(file), settings(w.run.Text("password")))
		if err != nil {
			return nil, unreadable(w.in, err)
		}
		return doc, doc.EnsurePageCount()
	})
}

// unreadable returns the error of the task for an error of reading a PDF.
func unreadable(in cloudconverttest.Input, err error) error {
	switch {
	case errors.Is(err, pdfcpu.ErrWrongPassword):
		return openFailed(in, "it is protected, and the password is missing or wrong")
	case errors.Is(err, pdfcpu.ErrEncrypted):
		return openFailed(in, "it is protected by a password")
	}
	return openFailed(in, "it is not a PDF, or it is damaged ("+clip(err.Error())+")")
}

// save writes a document to the result of a task.
func (p *pdf) save(ctx context.Context, w work, name string, doc *model.Context) error {
	file, err := guarded(ctx, p.kit, func() ([]byte, error) { return written(doc) })
	if err != nil {
		return err
	}
	return w.run.Write(name, file)
}

func written(doc *model.Context) ([]byte, error) {
	out := &bounded{limit: maxPDFOutput}
	err := api.WriteContext(doc, out)
	return out.buffer, err
}

// change opens the input, applies f and saves the result.
func (p *pdf) change(ctx context.Context, w work, f func(doc *model.Context) error) error {
	doc, err := p.open(ctx, w)
	if err != nil {
		return err
	}
	_, err = guarded(ctx, p.kit, func() (struct{}, error) { return struct{}{}, f(doc) })
	if err != nil {
		return err
	}
	return p.save(ctx, w, w.name(), doc)
}

// outcome is the result of a function.
type outcome[T any] struct {
	value T
	err   error
}

// guarded runs a function of the library, which may panic and cannot be stopped. If ctx
// ends first, guarded returns, and the function runs to its end. Its input is bounded.
func guarded[T any](ctx context.Context, k *kit, f func() (T, error)) (T, error) {
	var zero T
	release, err := k.take(ctx)
	if err != nil {
		return zero, err
	}
	done := make(chan outcome[T], 1)
	go func() {
		defer release()
		value, err := recovered(f)
		done <- outcome[T]{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return zero, context.Cause(ctx)
	}
}

// recovered returns an error for a panic.
func recovered[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the PDF library panicked: %v", p)
		}
	}()
	return f()
}
