package media

import (
	"context"
	"fmt"
	"io"
)

// ThumbnailOptions are the settings of [Thumbnail]; see [ConvertOptions] for their meaning.
type ThumbnailOptions struct {
	Width, Height int
	Fit           string
}

// Thumbnail reads a picture and writes a small one as png or jpg. The errors are those of [Convert]; webp, which the service
// also makes, is [ErrUnsupported] because there is no encoder for it in Go.
func Thumbnail(ctx context.Context, w io.Writer, r io.Reader, from, to string, o ThumbnailOptions) error {
	switch Normalize(to) {
	case "png", "jpg":
		return Convert(ctx, w, r, from, to, ConvertOptions{Width: o.Width, Height: o.Height, Fit: o.Fit})
	}
	return fmt.Errorf("%w: a thumbnail as %s", ErrUnsupported, to)
}
