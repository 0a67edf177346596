// Command sameimage compares a PNG with the JPEG made from it: the format, the size and the mean difference of the
// colors. It says what it compared and fails where they are not the same image.
package main

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // registers the format
	_ "image/png"  // registers the format
	"os"
)

// maxDifference is what the lossy format may change on average, of 255: a photo stays below it, another image does not.
const maxDifference = 8

func main() {
	if len(os.Args) != 3 {
		fail(errors.New("usage: sameimage ORIGINAL.png CONVERTED.jpg"))
	}
	if err := compare(os.Args[1], os.Args[2]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "sameimage:", err)
	os.Exit(1)
}

func compare(original, converted string) error {
	want, err := load(original, "png")
	if err != nil {
		return err
	}
	got, err := load(converted, "jpeg")
	if err != nil {
		return err
	}
	if want.Bounds().Size() != got.Bounds().Size() {
		return errors.New("the sizes differ")
	}
	mean := difference(want, got)
	fmt.Printf("mean difference: %.2f of 255, at most %d\n", mean, maxDifference)
	if mean > maxDifference {
		return errors.New("the images differ")
	}
	return nil
}

func load(path, format string) (image.Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	decoded, found, err := image.Decode(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	fmt.Printf("%s: %s, %v\n", path, found, decoded.Bounds().Size())
	if found != format {
		return nil, fmt.Errorf("%s: want %s, not %s", path, format, found)
	}
	return decoded, nil
}

// difference is the mean difference of the color channels, from 0 to 255, of two images of the same size.
func difference(a, b image.Image) float64 {
	size := a.Bounds().Size()
	total := 0.0
	for y := range size.Y {
		for x := range size.X {
			total += distance(pixel(a, x, y), pixel(b, x, y))
		}
	}
	return total / float64(3*size.X*size.Y)
}

func pixel(decoded image.Image, x, y int) color.Color {
	origin := decoded.Bounds().Min
	return decoded.At(origin.X+x, origin.Y+y)
}

func distance(a, b color.Color) float64 {
	red, green, blue, _ := a.RGBA()
	otherRed, otherGreen, otherBlue, _ := b.RGBA()
	return apart(red, otherRed) + apart(green, otherGreen) + apart(blue, otherBlue)
}

// apart takes the 16-bit channels that [color.Color] gives.
func apart(a, b uint32) float64 {
	return float64(max(a, b)-min(a, b)) / 0x101
}
