package engines

import (
	"bytes"
	"context"
	"errors"
	_ "image/gif" // formats that the library reads if they are registered
	"io"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	_ "golang.org/x/image/bmp" // as above
)

// imageFormats are the formats that become pages, one for each image of a file.
var imageFormats = []string{"bmp", "gif", "jpg", "png", "tiff", "webp"}

// maxImage is the size of the largest image file.
const maxImage = 64 << 20

// fromImage makes a PDF of an image.
func (p *pdf) fromImage(ctx context.Context, w work) error {
	file, err := p.imageAsPDF(ctx, w)
	if err != nil {
		return err
	}
	return w.run.Write(w.name(), file)
}

// imageAsPDF makes a page of the size of the image, a point for each pixel.
func (p *pdf) imageAsPDF(ctx context.Context, w work) ([]byte, error) {
	data, err := content(w.in, maxImage)
	if err != nil {
		return nil, err
	}
	return guarded(ctx, p.kit, func() ([]byte, error) {
		out := &bounded{limit: maxPDFOutput}
		err := api.ImportImages(nil, out, []io.Reader{bytes.NewReader(data)}, nil, settings(""))
		if err != nil && !errors.Is(err, errTooMuch) {
			return nil, openFailed(w.in, "it is not an image, or damaged ("+clip(err.Error())+")")
		}
		return out.buffer, err
	})
}
