package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

const (
	// maxPixels bounds the memory that a decoded image takes.
	maxPixels = 100_000_000

	// maxInput bounds the bytes of an image that are read.
	maxInput = 256 << 20
)

// codec reads an image format.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

func codecOf(format string) (codec, error) {
	switch format {
	case "png":
		return codec{png.DecodeConfig, png.Decode}, nil
	case "jpg":
		return codec{jpeg.DecodeConfig, jpeg.Decode}, nil
	case "gif":
		return codec{gif.DecodeConfig, gif.Decode}, nil
	case "bmp":
		return codec{bmp.DecodeConfig, bmp.Decode}, nil
	case "tiff":
		return codec{tiff.DecodeConfig, tiff.Decode}, nil
	case "webp":
		return codec{webp.DecodeConfig, webp.Decode}, nil
	}
	return codec{}, fmt.Errorf("%w: reading %q images", ErrUnsupported, format)
}

// readImage reads an image to its end, decodes it, and applies its EXIF orientation. The
// image starts at (0, 0).
func readImage(ctx context.Context, r io.Reader, format string) (image.Image, error) {
	data, err := readInput(ctx, r, format)
	if err != nil {
		return nil, err
	}
	return decode(ctx, data, format)
}

// readInput reads an input and checks that it is of the format.
func readInput(ctx context.Context, r io.Reader, format string) ([]byte, error) {
	if _, err := codecOf(format); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(contextReader{ctx, r}, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	if len(data) > maxInput {
		return nil, openError(format, fmt.Errorf("it has more than %d MiB", maxInput>>20))
	}
	return data, checkContent(data, format)
}

// checkContent returns an error if the first bytes of a file are not those of the format.
func checkContent(head []byte, format string) error {
	found := sniff(head)
	switch {
	case len(head) == 0:
		return openError(format, errors.New("it is empty"))
	case found == format:
		return nil
	case found == "":
		return openError(format, fmt.Errorf("its content is not %s", format))
	}
	return openError(format, fmt.Errorf("its content is %s", found))
}

// decode decodes an image and applies its EXIF orientation.
func decode(ctx context.Context, data []byte, format string) (image.Image, error) {
	codec, err := codecOf(format)
	if err != nil {
		return nil, err
	}
	size, err := checkSize(codec, data, format)
	if err != nil {
		return nil, err
	}
	m, err := codec.decode(bytes.NewReader(data))
	if err != nil {
		return nil, openError(format, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.Bounds() != (image.Rectangle{Max: size}) {
		m = onScreen(m, size)
	}
	return upright(m, imageEXIF(data, format).orientation), nil
}

// checkSize returns the size of an image, or an error if it is too large.
func checkSize(codec codec, data []byte, format string) (image.Point, error) {
	config, err := codec.config(bytes.NewReader(data))
	if err != nil {
		return image.Point{}, openError(format, err)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return image.Point{}, openError(format, errors.New("it has no pixels"))
	}
	if config.Width > maxPixels/config.Height {
		return image.Point{}, openError(format, fmt.Errorf("its %dx%d pixels exceed the limit of %d megapixels",
			config.Width, config.Height, maxPixels/1_000_000))
	}
	return image.Pt(config.Width, config.Height), nil
}

// onScreen draws the first frame of a gif, which may be smaller than the image, into its
// place.
func onScreen(frame image.Image, size image.Point) image.Image {
	screen := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(screen, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return screen
}

func openError(format string, reason error) error {
	return fmt.Errorf("%w as %s: %w", ErrOpen, format, reason)
}

// contextReader is a reader that ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
