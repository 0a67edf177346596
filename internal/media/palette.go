package media

import (
	"image"
	"image/color"
	"image/color/palette"
	"slices"

	"golang.org/x/image/draw"
)

// maxColors is the size of a palette.
const maxColors = 256

// indexed converts an image to a palette, as a gif needs it. Pixels become transparent or
// opaque. Up to 256 colors are kept; more are dithered.
func indexed(m image.Image) *image.Paletted {
	hard := hardEdges(m)
	if exact, ok := exactPalette(hard); ok {
		return exact
	}
	return dithered(hard)
}

// hardEdges makes every pixel opaque or transparent, whichever is nearer.
func hardEdges(m image.Image) *image.NRGBA {
	at := colorsOf(m)
	hard := image.NewNRGBA(m.Bounds())
	for y := hard.Rect.Min.Y; y < hard.Rect.Max.Y; y++ {
		for x := hard.Rect.Min.X; x < hard.Rect.Max.X; x++ {
			if c := at(x, y); c.A >= 0x80 {
				hard.SetNRGBA(x, y, color.NRGBA{R: c.R, G: c.G, B: c.B, A: 0xff})
			}
		}
	}
	return hard
}

// exactPalette converts an image to a palette of its colors, and returns false if there
// are too many.
func exactPalette(m image.Image) (*image.Paletted, bool) {
	at := colorsOf(m)
	colors := colorTable{}
	exact := image.NewPaletted(m.Bounds(), nil)
	for y := exact.Rect.Min.Y; y < exact.Rect.Max.Y; y++ {
		for x := exact.Rect.Min.X; x < exact.Rect.Max.X; x++ {
			number, ok := colors.number(at(x, y))
			if !ok {
				return nil, false
			}
			exact.SetColorIndex(x, y, number)
		}
	}
	exact.Palette = colors.palette()
	return exact, true
}

// colorTable numbers colors in their order of appearance.
type colorTable map[color.NRGBA]uint8

// number returns the number of a color, and false if the table is full.
func (c colorTable) number(of color.NRGBA) (uint8, bool) {
	number, known := c[of]
	if known {
		return number, true
	}
	if len(c) == maxColors {
		return 0, false
	}
	number = uint8(len(c)) //nolint:gosec // below maxColors
	c[of] = number
	return number, true
}

func (c colorTable) palette() color.Palette {
	p := make(color.Palette, len(c))
	for of, number := range c {
		p[number] = of
	}
	return p
}

// dithered converts an image to a general palette.
func dithered(m *image.NRGBA) *image.Paletted {
	p := image.NewPaletted(m.Rect, slices.Clone(palette.Plan9))
	if m.Opaque() {
		draw.FloydSteinberg.Draw(p, m.Rect, m, m.Rect.Min)
		return p
	}
	const transparent = 1 // replaces a dark blue that has similar colors beside it
	p.Palette[transparent] = color.NRGBA{}
	draw.FloydSteinberg.Draw(p, m.Rect, onWhite(m), m.Rect.Min)
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
			if m.NRGBAAt(x, y).A == 0 {
				p.SetColorIndex(x, y, transparent)
			}
		}
	}
	return p
}

// colorsOf returns the colors of an image without alpha premultiplication, which would
// lose some.
func colorsOf(m image.Image) func(x, y int) color.NRGBA {
	if nrgba, ok := m.(*image.NRGBA); ok {
		return nrgba.NRGBAAt
	}
	return func(x, y int) color.NRGBA {
		c, _ := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
		return c
	}
}
