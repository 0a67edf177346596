package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

// OptimizeOptions are the options of [Optimize].
type OptimizeOptions struct {
	// Quality of a jpg from 1 to 100; 0 means 80. A png is optimized without loss.
	Quality int
}

// optimizedQuality is the quality of a jpg without an OptimizeOptions.Quality.
const optimizedQuality = 80

// Optimize writes a png or jpg in the same format with fewer bytes, or unchanged if it
// finds no smaller encoding. The errors are those of [Convert].
func Optimize(ctx context.Context, w io.Writer, r io.Reader, format string, o OptimizeOptions) error {
	format = Normalize(format)
	if format != "jpg" && format != "png" {
		return fmt.Errorf("%w: optimizing %s", ErrUnsupported, format)
	}
	smallest, err := readInput(ctx, r, format)
	if err != nil {
		return err
	}
	m, err := decode(ctx, smallest, format)
	if err != nil {
		return err
	}
	candidates, err := optimized(ctx, m, format, o)
	if err != nil {
		return err
	}
	for _, candidate := range candidates {
		if len(candidate) < len(smallest) {
			smallest = candidate
		}
	}
	_, err = w.Write(smallest)
	return err
}

// optimized returns encodings of an image, one of which may be smaller.
func optimized(ctx context.Context, m image.Image, format string, o OptimizeOptions) ([][]byte, error) {
	if format == "jpg" {
		candidate, err := smallJPG(m, o.Quality)
		return [][]byte{candidate}, err
	}
	candidate, err := smallPNG(ctx, plain(m))
	if err != nil || is16Bit(m) {
		return [][]byte{candidate}, err
	}
	exact, ok := exactPalette(m)
	if !ok {
		return [][]byte{candidate}, nil
	}
	second, err := smallPNG(ctx, exact)
	return [][]byte{candidate, second}, err
}

func smallJPG(m image.Image, quality int) ([]byte, error) {
	if quality == 0 {
		quality = optimizedQuality
	}
	var buffer bytes.Buffer
	err := jpeg.Encode(&buffer, onWhite(m), &jpeg.Options{Quality: quality})
	return buffer.Bytes(), err
}

func smallPNG(ctx context.Context, m image.Image) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var buffer bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err := encoder.Encode(&buffer, m)
	return buffer.Bytes(), err
}
