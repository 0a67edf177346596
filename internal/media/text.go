package media

import (
	"fmt"
	"image"
	"image/color"
	"strconv"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Sizes of a font in pixels.
const (
	defaultFontSize = 40
	maxFontSize     = 2000
)

// drawText draws the text of a watermark on a transparent background of its size.
func drawText(imageWidth int, o WatermarkOptions) (image.Image, error) {
	ink, err := parseColor(o.FontColor)
	if err != nil {
		return nil, err
	}
	block, err := newTextBlock(imageWidth, o)
	if err != nil {
		return nil, err
	}
	size := block.size()
	if size.X > maxPixels/size.Y {
		return nil, fmt.Errorf("%w: a text of %dx%d pixels", ErrUnsupported, size.X, size.Y)
	}
	m := image.NewRGBA(image.Rectangle{Max: size})
	block.draw(m, ink, o.FontAlign)
	return m, nil
}

// parseColor parses #rgb or #rrggbb; empty means black.
func parseColor(text string) (color.Color, error) {
	if text == "" {
		return color.Black, nil
	}
	digits, marked := strings.CutPrefix(text, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	rgb, err := strconv.ParseUint(digits, 16, 24)
	if err != nil || !marked || len(digits) != 6 {
		return nil, fmt.Errorf("%w: font_color %q, use #rrggbb", ErrUnsupported, text)
	}
	return color.RGBA{R: uint8(rgb >> 16), G: uint8(rgb >> 8), B: uint8(rgb), A: 0xff}, nil //nolint:gosec // truncated to bytes
}

// textBlock is a text of one or more lines in a font.
type textBlock struct {
	lines  []string
	face   font.Face
	width  fixed.Int26_6 // of the longest line
	height int           // of a line
}

// newTextBlock lays out a text in the size of the options.
func newTextBlock(imageWidth int, o WatermarkOptions) (textBlock, error) {
	size := o.FontSize
	if size == 0 {
		size = defaultFontSize
	}
	if o.FontWidthPercent == 0 {
		return layText(o.Text, size)
	}
	trial, err := layText(o.Text, defaultFontSize)
	if err != nil {
		return textBlock{}, err
	}
	width := float64(imageWidth) * o.FontWidthPercent / 100
	return layText(o.Text, defaultFontSize*width/float64(trial.size().X))
}

// layText lays out a text in a font size.
func layText(text string, size float64) (textBlock, error) {
	if !(size >= 1 && size <= maxFontSize) {
		return textBlock{}, fmt.Errorf("%w: a font size of %g, use 1 to %d", ErrUnsupported, size, maxFontSize)
	}
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return textBlock{}, fmt.Errorf("read the font: %w", err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return textBlock{}, fmt.Errorf("read the font: %w", err)
	}
	block := textBlock{
		lines:  strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"),
		face:   face,
		height: face.Metrics().Height.Ceil(),
	}
	for _, line := range block.lines {
		ink, _ := font.BoundString(face, line)
		block.width = max(block.width, ink.Max.X-ink.Min.X)
	}
	return block, nil
}

func (b textBlock) size() image.Point {
	return image.Pt(max(1, b.width.Ceil()), max(1, b.height*len(b.lines)))
}

func (b textBlock) draw(m *image.RGBA, ink color.Color, align string) {
	drawer := font.Drawer{Dst: m, Src: image.NewUniform(ink), Face: b.face}
	for i, line := range b.lines {
		drawer.Dot = fixed.Point26_6{X: b.indent(line, align), Y: b.face.Metrics().Ascent + fixed.I(i*b.height)}
		drawer.DrawString(line)
	}
}

// indent returns the position of a line's origin by its alignment.
func (b textBlock) indent(line, align string) fixed.Int26_6 {
	ink, _ := font.BoundString(b.face, line)
	free := b.width - (ink.Max.X - ink.Min.X)
	switch align {
	case "center":
		return free/2 - ink.Min.X
	case "right":
		return free - ink.Min.X
	}
	return -ink.Min.X
}
