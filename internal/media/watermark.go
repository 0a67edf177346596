package media

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"slices"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// WatermarkOptions are the options of [Watermark]. Set Text or Image; Image takes
// precedence.
type WatermarkOptions struct {
	// Text to draw. It may have several lines.
	Text string

	// Image is an image to draw, in the format ImageFormat. The caller closes it.
	Image       io.Reader
	ImageFormat string

	// FontSize in pixels; 0 means 40.
	FontSize float64

	// FontWidthPercent, if it is not 0, sets the width of the text in percent of the
	// image's width, in place of FontSize.
	FontWidthPercent float64

	// FontColor is #rgb or #rrggbb; empty means black.
	FontColor string

	// FontAlign of the lines of the text is left, center or right; empty means left.
	FontAlign string

	// ImageWidth and ImageHeight of Image in pixels. If one is 0, it follows from the
	// other one and the aspect ratio. If both are 0, Image keeps its size.
	ImageWidth, ImageHeight int

	// ImageWidthPercent, if it is not 0, sets the width of Image in percent of the
	// watermarked image's width, in place of ImageWidth and ImageHeight.
	ImageWidthPercent float64

	// PositionVertical is top, center or bottom, PositionHorizontal is left, center or
	// right; empty means center.
	PositionVertical, PositionHorizontal string

	// MarginVertical and MarginHorizontal are the distance from the edge in pixels. The
	// center has no margin.
	MarginVertical, MarginHorizontal int

	// Opacity in percent: 100 is opaque and 0 invisible.
	Opacity int

	// Rotation in degrees, clockwise.
	Rotation float64
}

// Watermark draws a text or an image onto a png, jpg, gif (its first frame), bmp or tiff,
// and writes it in the same format. The errors are those of [Convert].
func Watermark(ctx context.Context, w io.Writer, r io.Reader, format string, o WatermarkOptions) error {
	format = Normalize(format)
	if err := checkPair(format, format); err != nil {
		return err
	}
	if err := checkWatermark(o); err != nil {
		return err
	}
	m, err := readImage(ctx, r, format)
	if err != nil {
		return err
	}
	mark, err := drawMark(ctx, m.Bounds().Size(), o)
	if err != nil {
		return err
	}
	if mark, err = rotate(mark, o.Rotation); err != nil {
		return err
	}
	return encode(ctx, w, overlay(m, mark, o), format, 0)
}

// checkWatermark returns an error for invalid options.
func checkWatermark(o WatermarkOptions) error {
	switch {
	case o.Text == "" && o.Image == nil:
		return fmt.Errorf("%w: a watermark without text and image", ErrUnsupported)
	case o.Opacity < 0 || o.Opacity > 100:
		return fmt.Errorf("%w: opacity %d, use 0 to 100", ErrUnsupported, o.Opacity)
	case !slices.Contains([]string{"", "top", "center", "bottom"}, o.PositionVertical):
		return fmt.Errorf("%w: position_vertical %q, use top, center or bottom", ErrUnsupported, o.PositionVertical)
	case !slices.Contains([]string{"", "left", "center", "right"}, o.PositionHorizontal):
		return fmt.Errorf("%w: position_horizontal %q, use left, center or right", ErrUnsupported, o.PositionHorizontal)
	case !slices.Contains([]string{"", "left", "center", "right"}, o.FontAlign):
		return fmt.Errorf("%w: font_align %q, use left, center or right", ErrUnsupported, o.FontAlign)
	}
	return nil
}

// drawMark returns the watermark for an image of a size, before rotation.
func drawMark(ctx context.Context, size image.Point, o WatermarkOptions) (image.Image, error) {
	if o.Image == nil {
		return drawText(size.X, o)
	}
	m, err := readImage(ctx, o.Image, Normalize(o.ImageFormat))
	if err != nil {
		return nil, fmt.Errorf("the watermark: %w", err)
	}
	width, height := o.ImageWidth, o.ImageHeight
	if o.ImageWidthPercent != 0 {
		width, height = int(math.Ceil(float64(size.X)*o.ImageWidthPercent/100)), 0
	}
	f, err := fitInto(m.Bounds().Size(), width, height, fitScale)
	if err != nil {
		return nil, fmt.Errorf("the watermark: %w", err)
	}
	return scale(m, f), nil
}

// rotate rotates an image clockwise around its middle and enlarges it to fit.
func rotate(m image.Image, degrees float64) (image.Image, error) {
	if math.Mod(degrees, 360) == 0 {
		return m, nil
	}
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w, h := float64(m.Bounds().Dx()), float64(m.Bounds().Dy())
	turnedW, turnedH := w*math.Abs(cos)+h*math.Abs(sin), w*math.Abs(sin)+h*math.Abs(cos)
	if !(turnedW*turnedH <= maxPixels) {
		return nil, fmt.Errorf("%w: a watermark of %.0fx%.0f pixels, rotated by %g degrees", ErrUnsupported, w, h, degrees)
	}
	turned := image.NewRGBA(image.Rect(0, 0, int(math.Ceil(turnedW-1e-6)), int(math.Ceil(turnedH-1e-6))))
	middleX, middleY := float64(turned.Rect.Dx())/2, float64(turned.Rect.Dy())/2
	turn := f64.Aff3{
		cos, -sin, middleX - cos*w/2 + sin*h/2,
		sin, cos, middleY - sin*w/2 - cos*h/2,
	}
	draw.CatmullRom.Transform(turned, turn, m, m.Bounds(), draw.Src, nil)
	return turned, nil
}

// overlay draws the mark onto an image.
func overlay(m, mark image.Image, o WatermarkOptions) image.Image {
	bounds, size := m.Bounds(), mark.Bounds().Size()
	corner := image.Pt(
		place(bounds.Dx(), size.X, o.MarginHorizontal, o.PositionHorizontal),
		place(bounds.Dy(), size.Y, o.MarginVertical, o.PositionVertical),
	)
	canvas := draw.Image(toRGBA(m))
	if is16Bit(m) {
		canvas = image.NewRGBA64(bounds)
		draw.Draw(canvas, bounds, m, bounds.Min, draw.Src)
	}
	opacity := image.NewUniform(color.Alpha{A: uint8(o.Opacity * 255 / 100)}) //nolint:gosec // checked to be 0 to 100
	area := image.Rectangle{Min: corner, Max: corner.Add(size)}
	draw.DrawMask(canvas, area, mark, mark.Bounds().Min, opacity, image.Point{}, draw.Over)
	return canvas
}

// place returns the offset of a mark of a length on a side.
func place(side, length, margin int, position string) int {
	switch position {
	case "top", "left":
		return margin
	case "bottom", "right":
		return side - length - margin
	}
	return (side - length) / 2
}
