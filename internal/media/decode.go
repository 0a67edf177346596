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
	// maxPixels bounds the memory a picture takes, whatever its header promises.
	maxPixels = 100_000_000

	// maxInput bounds the bytes of a picture that are kept in memory.
	maxInput = 256 << 20
)

// codec reads one picture format.
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
	return codec{}, fmt.Errorf("%w: reading %q pictures", ErrUnsupported, format)
}

// readPicture reads a picture to its end and decodes it upright. The picture starts at (0, 0).
func readPicture(ctx context.Context, r io.Reader, format string) (image.Image, error) {
	data, err := readInput(ctx, r, format)
	if err != nil {
		return nil, err
	}
	return decode(ctx, data, format)
}

// readInput reads the bytes of an input and checks that they are of the format.
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

// checkContent reports a file whose first bytes are not those of the format.
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

// decode decodes the bytes of a picture and turns it upright.
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
	return upright(m, pictureEXIF(data, format).orientation), nil
}

// checkSize returns the size of a picture, or an error when the picture is too large to decode.
func checkSize(codec codec, data []byte, format string) (image.Point, error) {
	config, err := codec.config(bytes.NewReader(data))
	if err != nil {
		return image.Point{}, openError(format, err)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return image.Point{}, openError(format, errors.New("it has no pixels"))
	}
	if config.Width > maxPixels/config.Height {
		return image.Point{}, openError(format, fmt.Errorf("its %dx%d pixels are more than the %d megapixels that are decoded",
			config.Width, config.Height, maxPixels/1_000_000))
	}
	return image.Pt(config.Width, config.Height), nil
}

// onScreen puts the first frame of a gif, which may be smaller than the picture, into its place.
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

// Read implements [io.Reader].
func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
