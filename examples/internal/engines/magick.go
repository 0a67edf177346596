package engines

import (
	"context"
	"errors"
	"html"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// magickFormats are the formats that ImageMagick reads. It writes those that the server
// does not.
var magickFormats = []string{"bmp", "gif", "ico", "jpg", "png", "tga", "tiff", "webp"}

// magick converts images with ImageMagick.
type magick struct{ *program }

// findMagick returns nil if ImageMagick is not installed.
func (k *kit) findMagick() *magick {
	names := []string{"magick", "convert"}
	if runtime.GOOS == "windows" {
		names = names[:1] // convert.exe is another program there
	}
	p := k.tool("-version", names...)
	if p == nil {
		return nil
	}
	return &magick{p}
}

func (m *magick) engine() Engine {
	return Engine{
		Name: "imagemagick", Path: m.path, version: m.readVersion,
		Conversions: []Conversion{
			{From: magickFormats, To: []string{"webp", "ico", "tga"}},
			{From: []string{"ico", "tga"}, To: magickFormats},
		},
		convert: m.convert,
		operations: map[string]operation{
			"thumbnail": {from: magickFormats, to: []string{"jpg", "png", "webp"}, file: m.convert},
		},
	}
}

func (m *magick) convert(ctx context.Context, w work) error {
	if w.in.Size > maxImage {
		return cloudconverttest.Fail("FILE_TOO_LARGE", w.in.Name+" is too large")
	}
	dir, err := w.run.Dir()
	if err != nil {
		return err
	}
	env, err := magickPolicy(dir)
	if err != nil {
		return err
	}
	if err := copyFile(w.in.Path, filepath.Join(dir, "in")); err != nil {
		return err
	}
	args := []string{w.in.Format + ":in[0]", "-auto-orient"}
	if size := magickSize(w); size != nil {
		args = append(args, size...)
	}
	if w.run.OutputFormat == "ico" {
		args = append(args, "-resize", "256x256>")
	}
	if quality := int(w.run.Number("quality")); quality > 0 {
		args = append(args, "-quality", strconv.Itoa(min(quality, 100)))
	}
	err = m.run(ctx, execution{dir: dir, env: env, args: append(args, w.run.OutputFormat+":out")})
	if errors.Is(err, errExit) {
		return openFailed(w.in, err.Error())
	}
	if err != nil {
		return err
	}
	return w.run.AddFile(w.name(), filepath.Join(dir, "out"))
}

// magickSize returns the arguments for the parameters of the size.
func magickSize(w work) []string {
	side := func(name string) string {
		if n := int(w.run.Number(name)); n > 0 {
			return strconv.Itoa(min(n, 10_000))
		}
		return ""
	}
	width, height := side("width"), side("height")
	size := width + "x" + height
	switch fit := w.run.Text("fit"); {
	case size == "x":
		return nil
	case fit == "scale" && width != "" && height != "":
		return []string{"-resize", size + "!"}
	case fit == "crop" && width != "" && height != "":
		return []string{"-resize", size + "^", "-gravity", "center", "-extent", size}
	}
	return []string{"-resize", size + ">"}
}

// policy keeps ImageMagick from using files outside of a directory, requesting URLs and
// running programs. The last rule that matches a path decides.
const policy = `<?xml version="1.0" encoding="UTF-8"?>
<policymap>
<policy domain="delegate" rights="none" pattern="*"/>
<policy domain="filter" rights="none" pattern="*"/>
<policy domain="coder" rights="none" pattern="{EPHEMERAL,FTP,HTTP,HTTPS,MSL,MVG,PLT,SHOW,TEXT,URL,WIN,X}"/>
<policy domain="path" rights="none" pattern="@*"/>
<policy domain="path" rights="none" pattern="/*"/>
<policy domain="path" rights="read | write" pattern="DIRECTORY/*"/>
<policy domain="path" rights="none" pattern="*../*"/>
<policy domain="resource" name="memory" value="512MiB"/>
<policy domain="resource" name="map" value="1GiB"/>
<policy domain="resource" name="disk" value="2GiB"/>
<policy domain="resource" name="width" value="32KP"/>
<policy domain="resource" name="height" value="32KP"/>
</policymap>
`

// magickPolicy writes the policy to a directory of a run, and returns the variables that
// make ImageMagick read it.
func magickPolicy(dir string) ([]string, error) {
	configuration := filepath.Join(dir, "policy")
	if err := os.Mkdir(configuration, 0o700); err != nil {
		return nil, err
	}
	actual, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	rules := strings.ReplaceAll(policy, "DIRECTORY", html.EscapeString(filepath.ToSlash(actual)))
	err = os.WriteFile(filepath.Join(configuration, "policy.xml"), []byte(rules), 0o600)
	return []string{"MAGICK_CONFIGURE_PATH=" + configuration}, err
}
