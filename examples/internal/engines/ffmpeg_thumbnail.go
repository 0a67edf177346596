package engines

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// maxThumbnails bounds the images of a video that a task makes.
const maxThumbnails = 100

// thumbnail makes images of a video: one at a position, or several at even distances.
func (f *ffmpeg) thumbnail(ctx context.Context, w work) error {
	count := max(int(w.run.Number("count")), 1)
	if count > maxThumbnails {
		return invalid("count needs a number up to %d", maxThumbnails)
	}
	positions, err := f.positions(ctx, w, count)
	if err != nil {
		return err
	}
	scaling, err := thumbnailSize(w)
	if err != nil {
		return err
	}
	for i, position := range positions {
		name := w.name()
		if count > 1 {
			name = w.numbered(i+1, count)
		}
		if err := f.image(ctx, w, name, position, scaling); err != nil {
			return err
		}
	}
	return nil
}

// image makes the image at a position, or an earlier one if there is none.
func (f *ffmpeg) image(ctx context.Context, w work, name, position string, scaling []string) error {
	result, err := f.frame(ctx, w, slices.Concat(reading(w.in, "-ss", position), scaling))
	if err != nil {
		return err
	}
	if sizeOf(result) <= 0 {
		result, err = f.frame(ctx, w, slices.Concat(reading(w.in, "-noaccurate_seek", "-ss", position), scaling))
	}
	switch {
	case err != nil:
		return err
	case sizeOf(result) <= 0:
		return invalid("the video has no image at %s", position)
	}
	return w.run.AddFile(name, result)
}

// frame writes an image and returns its path. The file may be missing.
func (f *ffmpeg) frame(ctx context.Context, w work, args []string) (string, error) {
	format, ok := map[string]string{"png": "png", "jpg": "mjpeg", "webp": "libwebp"}[w.run.OutputFormat]
	if !ok {
		return "", cloudconverttest.ErrUnsupported
	}
	dir, err := w.run.Dir()
	if err != nil {
		return "", err
	}
	result := filepath.Join(dir, "out."+w.run.OutputFormat)
	args = slices.Concat(args, []string{"-an", "-frames:v", "1", "-update", "1", "-c:v", format, "-f", "image2"}, writing(result))
	return result, f.media(ctx, w, execution{dir: dir, args: args})
}

var timestamp = regexp.MustCompile(`^(\d{1,6}(\.\d{1,6})?|(\d{1,3}:)?\d{1,2}:\d{1,2}(\.\d{1,6})?)$`)

// positions returns the positions of the images: those of the task, or the middles of as
// many parts of the video.
func (f *ffmpeg) positions(ctx context.Context, w work, count int) ([]string, error) {
	if at := w.run.Text("timestamp"); at != "" && count == 1 {
		if !timestamp.MatchString(at) {
			return nil, invalid("timestamp needs the form 00:01:30 or seconds, not %q", clip(at))
		}
		return []string{at}, nil
	}
	length, err := f.duration(ctx, w)
	if err != nil {
		return nil, err
	}
	positions := make([]string, count)
	for i := range positions {
		seconds := length.Seconds() * (float64(i) + 0.5) / float64(count)
		positions[i] = strconv.FormatFloat(seconds, 'f', 3, 64)
	}
	return positions, nil
}

// duration returns the duration of a video. ffmpeg fails in any case, since it gets no
// output.
func (f *ffmpeg) duration(ctx context.Context, w work) (time.Duration, error) {
	dir, err := w.run.Dir()
	if err != nil {
		return 0, err
	}
	found := &progress{}
	err = f.run(ctx, execution{dir: dir, inputs: []string{w.in.Path}, args: reading(w.in), stderr: &lines{each: found.duration}})
	switch {
	case err != nil && !errors.Is(err, errExit):
		return 0, err
	case found.length() == 0:
		return 0, openFailed(w.in, "it is not a video, or it is damaged")
	}
	return found.length(), nil
}

// thumbnailSize returns the arguments that scale an image.
func thumbnailSize(w work) ([]string, error) {
	width, height := int(w.run.Number("width")), int(w.run.Number("height"))
	if width < 0 || height < 0 || width > 10_000 || height > 10_000 {
		return nil, invalid("width and height need numbers up to 10000")
	}
	fit := w.run.Text("fit")
	switch {
	case width == 0 && height == 0:
		return nil, nil
	case width == 0 || height == 0:
		return []string{"-vf", "scale=" + side(width, "iw", fit) + ":" + side(height, "ih", fit)}, nil
	case fit == "scale":
		return []string{"-vf", fmt.Sprintf("scale=%d:%d", width, height)}, nil
	case fit == "crop":
		return []string{"-vf", fmt.Sprintf("scale=%d:%d:force_original_aspect_ratio=increase,crop=%[1]d:%[2]d", width, height)}, nil
	}
	return []string{"-vf", fmt.Sprintf(
		"scale='min(%d,iw)':'min(%d,ih)':force_original_aspect_ratio=decrease", width, height)}, nil
}

// side returns the length of a side for ffmpeg. One of the two may follow from the other.
func side(length int, original, fit string) string {
	switch {
	case length == 0:
		return "-1"
	case fit == "" || fit == "max":
		return fmt.Sprintf("'min(%d,%s)'", length, original)
	}
	return strconv.Itoa(length)
}
