package engines

import (
	"bytes"
	"cmp"
	"context"
	"image"
	"math"
	"strings"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/font"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/color"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// watermark puts a text or an image on pages. Lengths are in points.
func (p *pdf) watermark(ctx context.Context, w work) error {
	draw, err := textOrPicture(w)
	if err != nil {
		return err
	}
	return p.change(ctx, w, func(doc *model.Context) error {
		pages, err := selected(w, doc)
		if err != nil {
			return err
		}
		sizes, err := doc.PageDims()
		if err != nil {
			return err
		}
		if len(sizes) == 0 {
			return openFailed(w.in, "it has no pages")
		}
		mark, err := draw(sizes[0].Width)
		if err != nil {
			return err
		}
		return pdfcpu.AddWatermarks(doc, pages, mark)
	})
}

// drawing makes the mark for pages of a width.
type drawing func(page float64) (*model.Watermark, error)

func textOrPicture(w work) (drawing, error) {
	place, err := placement(w)
	if err != nil {
		return nil, err
	}
	if name := w.run.Text("image"); name != "" {
		in, ok := w.run.InputOf(name)
		if !ok {
			return nil, cloudconverttest.Fail("INPUT_TASK_FAILED", "Input task has failed")
		}
		data, err := content(in, maxImage)
		return func(page float64) (*model.Watermark, error) { return imageMark(w, in, data, page, place) }, err
	}
	return func(page float64) (*model.Watermark, error) { return textMark(w, page, place) }, nil
}

// imageMark makes a mark with an image.
func imageMark(
	w work, in cloudconverttest.Input, data []byte, page float64, place func(*model.Watermark),
) (*model.Watermark, error) {
	if in.Format == "svg" {
		return nil, cloudconverttest.ErrUnsupported
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || size.Width < 1 || size.Height < 1 {
		return nil, openFailed(in, "it is not an image of a format that can be a watermark")
	}
	mark, err := api.ImageWatermarkForReader(bytes.NewReader(data), "", onTop(w), false, types.POINTS)
	if err != nil {
		return nil, err
	}
	place(mark)
	mark.Scale = imageScale(w, page, float64(size.Width), float64(size.Height))
	return mark, nil
}

// imageScale returns the scale of an image. By default the image keeps its size.
func imageScale(w work, page, width, height float64) float64 {
	scale := math.Inf(1)
	if percent := w.run.Number("image_width_percent"); percent > 0 {
		return page * percent / 100 / width
	}
	if wanted := w.run.Number("image_width"); wanted > 0 {
		scale = wanted / width
	}
	if wanted := w.run.Number("image_height"); wanted > 0 {
		scale = min(scale, wanted/height)
	}
	if math.IsInf(scale, 1) {
		return 1
	}
	return scale
}

// textMark makes a mark with lines of text.
func textMark(w work, page float64, place func(*model.Watermark)) (*model.Watermark, error) {
	text := w.run.Text("text")
	if strings.TrimSpace(text) == "" {
		return nil, invalid("the text of the watermark is empty")
	}
	ink, err := color.NewSimpleColorForHexCode(cmp.Or(w.run.Text("font_color"), "#000000"))
	if err != nil {
		return nil, invalid("font_color needs the form #rrggbb, not %q", clip(w.run.Text("font_color")))
	}
	mark, err := api.TextWatermark(literal(text), "", onTop(w), false, types.POINTS)
	if err != nil {
		return nil, err
	}
	place(mark)
	mark.Scale = 1
	mark.Color, mark.FillColor, mark.StrokeColor = ink, ink, ink
	mark.FontName = fontFor(w.run.Text("font_name"))
	mark.FontSize, err = fontSize(w, text, mark.FontName, page)
	switch w.run.Text("font_align") {
	case "right":
		mark.HAlign = new(types.AlignRight)
	case "center":
		mark.HAlign = new(types.AlignCenter)
	default:
		mark.HAlign = new(types.AlignLeft)
	}
	return mark, err
}

// literal escapes the placeholders of the library, such as %p for the number of the page.
func literal(text string) string {
	return strings.NewReplacer("%p", "%% p", "%P", "%% P", "%t", "%% t", "%v", "%% v", "%", "%%").Replace(text)
}

// fontSize returns the requested size, or that for the requested width.
func fontSize(w work, text, name string, page float64) (int, error) {
	size := cmp.Or(w.run.Number("font_size"), 40)
	if percent := w.run.Number("font_width_percent"); percent > 0 {
		var widest float64
		for line := range strings.Lines(text) {
			width, err := font.TextWidthFloat(strings.TrimSpace(line), name, 1000)
			if err != nil {
				return 0, err
			}
			widest = max(widest, width/1000)
		}
		size = page * percent / 100 / max(widest, 0.01)
	}
	return int(math.Round(min(max(size, 1), 2000))), nil
}

// fontFor returns the standard font of PDF that is most similar to a font.
func fontFor(name string) string {
	name = strings.ToLower(name)
	bold, italic := strings.Contains(name, "bold"), strings.Contains(name, "italic") || strings.Contains(name, "oblique")
	family, upright, slanted := "Helvetica", "", "Oblique"
	switch {
	case strings.Contains(name, "courier"), strings.Contains(name, "mono"):
		family = "Courier"
	case strings.Contains(name, "times"), strings.Contains(name, "georgia"):
		family, upright, slanted = "Times", "Roman", "Italic"
	}
	style := upright
	switch {
	case bold && italic:
		style = "Bold" + slanted
	case bold:
		style = "Bold"
	case italic:
		style = slanted
	}
	return strings.TrimSuffix(family+"-"+style, "-")
}

func onTop(w work) bool { return w.run.Text("layer") != "below" }

// placement returns the position of a mark as arguments of the library.
func placement(w work) (func(*model.Watermark), error) {
	vertical, horizontal := w.run.Text("position_vertical"), w.run.Text("position_horizontal")
	anchor, ok := map[string]types.Anchor{
		"top left": types.TopLeft, "top center": types.TopCenter, "top right": types.TopRight,
		"center left": types.Left, "center center": types.Center, "center right": types.Right,
		"bottom left": types.BottomLeft, "bottom center": types.BottomCenter, "bottom right": types.BottomRight,
	}[cmp.Or(vertical, "center")+" "+cmp.Or(horizontal, "center")]
	if !ok {
		return nil, invalid("there is no position %q %q", clip(vertical), clip(horizontal))
	}
	opacity := 100.0
	if w.run.Params["opacity"] != nil {
		opacity = w.run.Number("opacity")
	}
	if opacity < 0 || opacity > 100 {
		return nil, invalid("opacity needs a number from 0 to 100")
	}
	return func(mark *model.Watermark) {
		mark.Pos = anchor
		mark.Dx = inward(horizontal, "left", "right", w.run.Number("margin_horizontal"))
		mark.Dy = inward(vertical, "bottom", "top", w.run.Number("margin_vertical"))
		mark.ScaleAbs = true
		mark.Diagonal = model.NoDiagonal
		mark.Rotation = -math.Remainder(w.run.Number("rotation"), 360) // the library turns the other way
		mark.Opacity = opacity / 100
	}, nil
}

// inward returns the offset for a margin, on an axis from low to high.
func inward(position, low, high string, margin float64) float64 {
	switch position {
	case low:
		return margin
	case high:
		return -margin
	}
	return 0
}
