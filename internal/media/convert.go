package media

import (
	"context"
	"io"
)

// ConvertOptions are the settings of [Convert].
type ConvertOptions struct {
	// Quality of a jpg from 1 to 100; 0 means 90, and what is beyond means the nearest. Other formats do not use it.
	Quality int

	// Width and Height of the result in pixels; 0 means as follows from the other one and the shape of the picture.
	// With both 0 the picture keeps its size.
	Width, Height int

	// Fit is max (inside the size, never enlarged), crop (fills the size, what hangs over is cut) or scale (exactly
	// the size, whatever the shape); empty means max.
	Fit string
}

// Convert reads a picture of the format from and writes it as the format to. Of several frames it takes the first, it turns
// the picture upright as its EXIF data says, and puts transparent pictures onto white where the result has no transparency.
// The error matches [ErrUnsupported] for a pair or setting it cannot do, and [ErrOpen] for an unreadable input.
func Convert(ctx context.Context, w io.Writer, r io.Reader, from, to string, o ConvertOptions) error {
	if err := checkPair(from, to); err != nil {
		return err
	}
	m, err := readPicture(ctx, r, Normalize(from))
	if err != nil {
		return err
	}
	f, err := fitInto(m.Bounds().Size(), o.Width, o.Height, o.Fit)
	if err != nil {
		return err
	}
	return encode(ctx, w, scale(m, f), Normalize(to), o.Quality)
}
