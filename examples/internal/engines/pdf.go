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

// pdf works on PDFs, with a library. It takes them into memory.
type pdf struct {
	kit    *kit
	office *office // for documents that are to be merged; may be nil
}

func newPDF(k *kit, o *office) *pdf { return &pdf{kit: k, office: o} }

func (p *pdf) engine() engine {
	return engine{
		Engine: Engine{
			Name:        "pdfcpu",
			Conversions: []Conversion{{From: pictureFormats, To: []string{"pdf"}}},
			version:     func(context.Context) string { return libraryVersion() },
		},
		inputs:  []string{"pdf"},
		convert: p.fromPicture,
		merge:   p.merge,
		operations: map[string]func(context.Context, work) error{
			"optimize":          p.optimize,
			"watermark":         p.watermark,
			"pdf/encrypt":       p.encrypt,
			"pdf/decrypt":       p.decrypt,
			"pdf/split-pages":   p.split,
			"pdf/extract-pages": p.extract,
			"pdf/rotate-pages":  p.rotate,
		},
	}
}

// withoutConfiguration keeps the library from making a directory for its
// settings in the user's home.
var withoutConfiguration = sync.OnceFunc(api.DisableConfigDir)

// settings returns those for reading a PDF that may have a password.
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

// unreadable turns the error of reading a PDF into the failure of the task.
func unreadable(in cloudconverttest.Input, err error) error {
	switch {
	case errors.Is(err, pdfcpu.ErrWrongPassword):
		return openFailed(in, "it is protected, and the password is missing or wrong")
	case errors.Is(err, pdfcpu.ErrEncrypted):
		return openFailed(in, "it is protected by a password")
	}
	return openFailed(in, "it is no PDF, or a damaged one ("+clip(err.Error())+")")
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

// change opens the input, lets f change it and saves it.
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

// outcome is what a function has returned.
type outcome[T any] struct {
	value T
	err   error
}

// guarded runs a function of the library, which can neither be stopped nor be
// trusted not to panic. When ctx ends before, guarded returns, and the
// function, whose input is bounded, works on to its end for nothing.
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

// recovered turns a panic into an error.
func recovered[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the PDF library gave up: %v", p)
		}
	}()
	return f()
}
