package engines

import (
	"bytes"
	"context"
	"errors"
	_ "image/gif" // formats that the library reads if somebody registers them
	"io"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	_ "golang.org/x/image/bmp" // as above
)

// pictureFormats are those that become pages, one for each picture of a file.
var pictureFormats = []string{"bmp", "gif", "jpg", "png", "tiff", "webp"}

// maxPicture is the largest file of a picture.
const maxPicture = 64 << 20

// fromPicture makes a PDF of a picture.
func (p *pdf) fromPicture(ctx context.Context, w work) error {
	file, err := p.pictureAsPDF(ctx, w)
	if err != nil {
		return err
	}
	return w.run.Write(w.name(), file)
}

// pictureAsPDF makes a page as large as the picture, a point for each pixel.
func (p *pdf) pictureAsPDF(ctx context.Context, w work) ([]byte, error) {
	picture, err := content(w.in, maxPicture)
	if err != nil {
		return nil, err
	}
	return guarded(ctx, p.kit, func() ([]byte, error) {
		out := &bounded{limit: maxPDFOutput}
		err := api.ImportImages(nil, out, []io.Reader{bytes.NewReader(picture)}, nil, settings(""))
		if err != nil && !errors.Is(err, errTooMuch) {
			return nil, openFailed(w.in, "it is no picture, or a damaged one ("+clip(err.Error())+")")
		}
		return out.buffer, err
	})
}
