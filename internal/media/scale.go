package media

import (
	"fmt"
	"image"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// The values of ConvertOptions.Fit.
const (
	fitMax   = "max"
	fitCrop  = "crop"
	fitScale = "scale"
)

// frame is a part of the source and the size that it is scaled to.
type frame struct {
	part image.Rectangle
	size image.Point
}

// fitInto returns the frame for an image of the size source. A width or height of 0
// follows from the other one.
func fitInto(source image.Point, width, height int, fit string) (frame, error) {
	if width < 0 || height < 0 || width > maxPixels || height > maxPixels {
		return frame{}, fmt.Errorf("%w: a size of %dx%d", ErrUnsupported, width, height)
	}
	f := frame{part: image.Rectangle{Max: source}}
	switch fit {
	case "", fitMax:
		f.size = inside(source, width, height)
	case fitCrop:
		f.size = exactly(source, width, height)
		f.part = middle(source, f.size)
	case fitScale:
		f.size = exactly(source, width, height)
	default:
		return frame{}, fmt.Errorf("%w: fit %q, use max, crop or scale", ErrUnsupported, fit)
	}
	if f.size.X > maxPixels/f.size.Y {
		return frame{}, fmt.Errorf("%w: an image of %dx%d pixels", ErrUnsupported, f.size.X, f.size.Y)
	}
	return f, nil
}

// inside returns the largest size with the same aspect ratio that exceeds neither the box
// nor the source.
func inside(source image.Point, width, height int) image.Point {
	factor := 1.0
	if width > 0 {
		factor = min(factor, float64(width)/float64(source.X))
	}
	if height > 0 {
		factor = min(factor, float64(height)/float64(source.Y))
	}
	return image.Pt(times(source.X, factor), times(source.Y, factor))
}

// exactly returns the requested size. A missing side follows from the aspect ratio of the
// source.
func exactly(source image.Point, width, height int) image.Point {
	switch {
	case width == 0 && height == 0:
		return source
	case width == 0:
		return image.Pt(times(source.X, float64(height)/float64(source.Y)), height)
	case height == 0:
		return image.Pt(width, times(source.Y, float64(width)/float64(source.X)))
	}
	return image.Pt(width, height)
}

// middle returns the largest part in the middle of the source with the aspect ratio of
// size.
func middle(source, size image.Point) image.Rectangle {
	factor := min(float64(source.X)/float64(size.X), float64(source.Y)/float64(size.Y))
	part := image.Pt(min(source.X, times(size.X, factor)), min(source.Y, times(size.Y, factor)))
	corner := source.Sub(part).Div(2)
	return image.Rectangle{Min: corner, Max: corner.Add(part)}
}

// times multiplies a length. The result is at least one pixel and at most maxPixels.
func times(length int, factor float64) int {
	return max(1, int(min(math.Round(float64(length)*factor), maxPixels)))
}

// scale returns the frame of an image, or the image itself if nothing changes.
func scale(m image.Image, f frame) image.Image {
	if f.part == m.Bounds() && f.size == f.part.Size() {
		return m
	}
	scaled := blank(m, f.size)
	scaler(f).Scale(scaled, scaled.Bounds(), m, f.part, draw.Src, nil)
	return scaled
}

// scaler returns the best interpolation whose memory is bounded: it grows with the
// product of the new width and the old height.
func scaler(f frame) draw.Scaler {
	const maxSamples = 16 << 20
	if f.size.X > maxSamples/f.part.Dy() {
		return draw.ApproxBiLinear
	}
	return draw.CatmullRom
}

// blank returns an empty image for the colors of m: gray stays gray, and 16 bits stay 16
// bits.
func blank(m image.Image, size image.Point) draw.Image {
	bounds := image.Rectangle{Max: size}
	switch m.(type) {
	case *image.Gray:
		return image.NewGray(bounds)
	case *image.Gray16:
		return image.NewGray16(bounds)
	case *image.RGBA64, *image.NRGBA64:
		return image.NewRGBA64(bounds)
	}
	return image.NewRGBA(bounds)
}

// upright applies the EXIF orientation.
func upright(m image.Image, orientation int) image.Image {
	if orientation <= 1 || orientation > 8 {
		return m
	}
	w, h := float64(m.Bounds().Dx()), float64(m.Bounds().Dy())
	turn := [...]f64.Aff3{
		2: {-1, 0, w, 0, 1, 0},
		3: {-1, 0, w, 0, -1, h},
		4: {1, 0, 0, 0, -1, h},
		5: {0, 1, 0, 1, 0, 0},
		6: {0, -1, h, 1, 0, 0},
		7: {0, -1, h, -1, 0, w},
		8: {0, 1, 0, -1, 0, w},
	}[orientation]
	size := m.Bounds().Size()
	if orientation >= 5 {
		size.X, size.Y = size.Y, size.X
	}
	turned := blank(m, size)
	draw.NearestNeighbor.Transform(turned, turn, m, m.Bounds(), draw.Src, nil)
	return turned
}
