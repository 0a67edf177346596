package media

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"
)

func TestFitInto(t *testing.T) {
	t.Parallel()
	whole := image.Rect(0, 0, 400, 200)
	for name, test := range map[string]struct {
		width, height int
		fit           string
		size          image.Point
		part          image.Rectangle
	}{
		"nothing asked":            {0, 0, "", image.Pt(400, 200), whole},
		"max by width":             {100, 0, "", image.Pt(100, 50), whole},
		"max by height":            {0, 50, "max", image.Pt(100, 50), whole},
		"max in a square":          {100, 100, "max", image.Pt(100, 50), whole},
		"max in a tall box":        {300, 20, "max", image.Pt(40, 20), whole},
		"max never enlarges":       {800, 800, "max", image.Pt(400, 200), whole},
		"max one side larger":      {800, 100, "max", image.Pt(200, 100), whole},
		"crop to a square":         {100, 100, "crop", image.Pt(100, 100), image.Rect(100, 0, 300, 200)},
		"crop to a strip":          {400, 50, "crop", image.Pt(400, 50), image.Rect(0, 75, 400, 125)},
		"crop enlarges":            {800, 800, "crop", image.Pt(800, 800), image.Rect(100, 0, 300, 200)},
		"crop by width":            {100, 0, "crop", image.Pt(100, 50), whole},
		"scale":                    {100, 100, "scale", image.Pt(100, 100), whole},
		"scale enlarges":           {800, 900, "scale", image.Pt(800, 900), whole},
		"scale by height":          {0, 400, "scale", image.Pt(800, 400), whole},
		"scale to less than pixel": {1, 0, "scale", image.Pt(1, 1), whole},
		"max to less than a pixel": {1, 1, "max", image.Pt(1, 1), whole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := fitInto(image.Pt(400, 200), test.width, test.height, test.fit)
			require.NoError(t, err)
			assert.Equal(t, frame{part: test.part, size: test.size}, f)
		})
	}
}

func TestScaleImages(t *testing.T) {
	t.Parallel()
	source := encoded(t, quarters(64, 32), "png")
	all := corners{red, green, blue, yellow}
	for name, test := range map[string]struct {
		options       ConvertOptions
		width, height int
	}{
		"max":      {ConvertOptions{Width: 32, Height: 32}, 32, 16},
		"crop":     {ConvertOptions{Width: 24, Height: 24, Fit: "crop"}, 24, 24},
		"scale":    {ConvertOptions{Width: 24, Height: 48, Fit: "scale"}, 24, 48},
		"enlarged": {ConvertOptions{Width: 128, Fit: "scale"}, 128, 64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, to := range []string{"png", "jpg"} {
				assertCorners(t, converted(t, source, "png", to, test.options), test.width, test.height, all)
			}
		})
	}
}

func TestScaleCropsToMiddle(t *testing.T) {
	t.Parallel()
	m := solid(60, 20, red)
	draw.Draw(m, image.Rect(20, 0, 40, 20), image.NewUniform(blue), image.Point{}, draw.Src)
	got := converted(t, encoded(t, m, "png"), "png", "png", ConvertOptions{Width: 10, Height: 10, Fit: "crop"})
	assertCorners(t, got, 10, 10, corners{blue, blue, blue, blue})
}

func TestScaleKeepsTransparency(t *testing.T) {
	t.Parallel()
	m := quarters(32, 32)
	draw.Draw(m, image.Rect(0, 0, 16, 16), image.Transparent, image.Point{}, draw.Src)
	got := converted(t, encoded(t, m, "png"), "png", "png", ConvertOptions{Width: 16})
	assertCorners(t, got, 16, 16, corners{none, green, blue, yellow})
}

func TestScalerForLargeImages(t *testing.T) {
	t.Parallel()
	assert.Equal(t, draw.CatmullRom, scaler(frame{image.Rect(0, 0, 8000, 6000), image.Pt(2000, 1500)}))
	assert.Equal(t, draw.ApproxBiLinear, scaler(frame{image.Rect(0, 0, 12_000, 8000), image.Pt(9000, 6000)}))
}
