package media

import (
	"context"
	"fmt"
	"io"
)

// ThumbnailOptions are the options of [Thumbnail]; see [ConvertOptions] for their
// meaning.
type ThumbnailOptions struct {
	Width, Height int
	Fit           string
}

// Thumbnail writes a small image as png or jpg. The errors are those of [Convert]. The
// service also makes webp, for which Go has no encoder: that is [ErrUnsupported].
func Thumbnail(ctx context.Context, w io.Writer, r io.Reader, from, to string, o ThumbnailOptions) error {
	switch Normalize(to) {
	case "png", "jpg":
		return Convert(ctx, w, r, from, to, ConvertOptions{Width: o.Width, Height: o.Height, Fit: o.Fit})
	}
	return fmt.Errorf("%w: a thumbnail as %s", ErrUnsupported, to)
}
