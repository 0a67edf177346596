package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"io"
	"maps"
	"math"
)

// maxHeader is how much of an image is read for its size and its EXIF data. A tiff, which
// may have them at its end, is read as a whole.
const maxHeader = 16 << 20

// imageDetails returns the size, the colors and the EXIF data of an image. Width and
// height are those before the EXIF orientation.
func imageDetails(ctx context.Context, r io.Reader, format string) (map[string]any, error) {
	limit := int64(maxHeader)
	if format == "tiff" {
		limit = maxInput
	}
	data, err := io.ReadAll(io.LimitReader(contextReader{ctx, r}, limit))
	if err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	codec, err := codecOf(format)
	if err != nil {
		return nil, err
	}
	config, err := codec.config(bytes.NewReader(data))
	if err != nil {
		return nil, openError(format, err)
	}
	values := sizeValues(config)
	maps.Copy(values, colorValues(config.ColorModel))
	maps.Copy(values, imageEXIF(data, format).values)
	return values, nil
}

func sizeValues(config image.Config) map[string]any {
	megapixels := float64(config.Width) * float64(config.Height) / 1e6
	return map[string]any{
		"ImageWidth":  config.Width,
		"ImageHeight": config.Height,
		"ImageSize":   fmt.Sprintf("%dx%d", config.Width, config.Height),
		"Megapixels":  math.Round(megapixels*1e6) / 1e6,
	}
}

func colorValues(model color.Model) map[string]any {
	if _, ok := model.(color.Palette); ok {
		return map[string]any{"ColorType": "Palette"}
	}
	switch model {
	case color.GrayModel:
		return colorValue("Grayscale", 8)
	case color.Gray16Model:
		return colorValue("Grayscale", 16)
	case color.RGBA64Model:
		return colorValue("RGB", 16)
	case color.NRGBA64Model:
		return colorValue("RGB with Alpha", 16)
	case color.NRGBAModel, color.NYCbCrAModel:
		return colorValue("RGB with Alpha", 8)
	case color.CMYKModel:
		return colorValue("CMYK", 8)
	}
	return colorValue("RGB", 8)
}

func colorValue(colorType string, depth int) map[string]any {
	return map[string]any{"ColorType": colorType, "BitDepth": depth}
}
