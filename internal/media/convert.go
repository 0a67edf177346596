package media

import (
	"context"
	"io"
)

// ConvertOptions are the options of [Convert].
type ConvertOptions struct {
	// Quality of a jpg from 1 to 100; 0 means 90, and other values mean the nearest of
	// them. Other formats do not use it.
	Quality int

	// Width and Height of the result in pixels. If one is 0, it follows from the other
	// one and the aspect ratio. If both are 0, the image keeps its size.
	Width, Height int

	// Fit is max (within the size, never enlarged), crop (fills the size and is cut) or
	// scale (exactly the size, distorted); empty means max.
	Fit string
}

// Convert converts an image from one format to another. It takes the first of several
// frames and applies the EXIF orientation. It draws a transparent image onto white if the
// result cannot be transparent. The error matches [ErrUnsupported] for formats and
// options that are not supported, and [ErrOpen] for an unreadable input.
func Convert(ctx context.Context, w io.Writer, r io.Reader, from, to string, o ConvertOptions) error {
	if err := checkPair(from, to); err != nil {
		return err
	}
	m, err := readImage(ctx, r, Normalize(from))
	if err != nil {
		return err
	}
	f, err := fitInto(m.Bounds().Size(), o.Width, o.Height, o.Fit)
	if err != nil {
		return err
	}
	return encode(ctx, w, scale(m, f), Normalize(to), o.Quality)
}
