package media

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/tiff"
)

// defaultQuality is the quality of a jpg without a ConvertOptions.Quality.
const defaultQuality = 90

// encode writes an image. quality is for a jpg; 0 means defaultQuality.
func encode(ctx context.Context, w io.Writer, m image.Image, format string, quality int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := encodeAs(w, m, format, quality); err != nil {
		return fmt.Errorf("write %s: %w", format, err)
	}
	return ctx.Err()
}

func encodeAs(w io.Writer, m image.Image, format string, quality int) error {
	switch format {
	case "png":
		return png.Encode(w, plain(m))
	case "jpg":
		if quality == 0 {
			quality = defaultQuality
		}
		return jpeg.Encode(w, onWhite(m), &jpeg.Options{Quality: quality})
	case "gif":
		return gif.Encode(w, indexed(m), nil)
	case "bmp":
		return bmp.Encode(w, plain(onWhite(m)))
	case "tiff":
		return tiff.Encode(w, withAlpha(plain(m)), &tiff.Options{Compression: tiff.Deflate})
	}
	return ErrUnsupported
}

// plain converts an image to a type that the encoders do not write pixel by pixel.
func plain(m image.Image) image.Image {
	switch m.(type) {
	case *image.Gray, *image.Gray16, *image.Paletted, *image.RGBA, *image.NRGBA, *image.RGBA64, *image.NRGBA64:
		return m
	}
	return toRGBA(m)
}

func toRGBA(m image.Image) *image.RGBA {
	rgba := image.NewRGBA(m.Bounds())
	draw.Draw(rgba, m.Bounds(), m, m.Bounds().Min, draw.Src)
	return rgba
}

// onWhite draws an image on a white background, for the formats without transparency.
func onWhite(m image.Image) image.Image {
	switch m := m.(type) {
	case *image.Gray, *image.YCbCr:
		return m
	case *image.Gray16:
		gray := image.NewGray(m.Bounds())
		draw.Draw(gray, m.Bounds(), m, m.Bounds().Min, draw.Src)
		return gray
	}
	if isOpaque(m) {
		return plain(m)
	}
	ground := image.NewRGBA(m.Bounds())
	draw.Draw(ground, m.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(ground, m.Bounds(), m, m.Bounds().Min, draw.Over)
	return ground
}

// withAlpha removes a palette with transparent colors: a tiff cannot have one.
func withAlpha(m image.Image) image.Image {
	if paletted, ok := m.(*image.Paletted); ok && !paletted.Opaque() {
		return toRGBA(m)
	}
	return m
}

func isOpaque(m image.Image) bool {
	o, ok := m.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// is16Bit reports whether the image has more than 8 bits per color.
func is16Bit(m image.Image) bool {
	switch m.ColorModel() {
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		return true
	}
	return false
}
