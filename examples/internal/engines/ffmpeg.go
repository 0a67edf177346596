package engines

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

const (
	maxMediaInput  = 4 << 30
	maxMediaOutput = 4 << 30
)

var (
	soundFormats = []string{"flac", "m4a", "mp3", "ogg", "wav"}
	filmFormats  = []string{"mkv", "mov", "mp4", "webm"}
)

// readers are ffmpeg's names for the formats of inputs. With a name, ffmpeg cannot treat
// a file as a playlist and read other files.
var readers = map[string]string{
	"flac": "flac", "m4a": "mov", "mp3": "mp3", "ogg": "ogg", "wav": "wav",
	"mkv": "matroska", "mov": "mov", "mp4": "mov", "webm": "matroska", "gif": "gif",
}

// writers are the arguments for the formats of outputs.
var writers = map[string][]string{
	"flac": {"-vn", "-c:a", "flac", "-f", "flac"},
	"m4a":  {"-vn", "-c:a", "aac", "-f", "ipod"},
	"mp3":  {"-vn", "-c:a", "libmp3lame", "-f", "mp3"},
	"ogg":  {"-vn", "-c:a", "libvorbis", "-f", "ogg"},
	"wav":  {"-vn", "-c:a", "pcm_s16le", "-f", "wav"},
	"mkv":  {"-c:v", "libx264", "-c:a", "aac", "-vf", evenSize, "-f", "matroska"},
	"mov":  {"-c:v", "libx264", "-c:a", "aac", "-vf", evenSize, "-movflags", "+faststart", "-f", "mov"},
	"mp4":  {"-c:v", "libx264", "-c:a", "aac", "-vf", evenSize, "-movflags", "+faststart", "-f", "mp4"},
	"webm": {"-c:v", "libvpx", "-b:v", "1M", "-c:a", "libvorbis", "-vf", evenSize, "-f", "webm"},
	"gif":  {"-an", "-vf", "fps=10,scale='min(480,iw)':-1", "-f", "gif"},
}

// evenSize makes width and height even, as video encoders require.
const evenSize = "scale='max(2,trunc(iw/2)*2)':'max(2,trunc(ih/2)*2)',format=yuv420p"

// ffmpeg converts audio and video.
type ffmpeg struct{ program }

// findFFmpeg returns nil if ffmpeg is not installed.
func (k *kit) findFFmpeg() *ffmpeg {
	path := k.find("ffmpeg")
	if path == "" {
		return nil
	}
	return &ffmpeg{program{kit: k, path: path, ask: "-version"}}
}

func (f *ffmpeg) engine() Engine {
	return Engine{
		Name: "ffmpeg", Path: f.path, version: f.readVersion,
		Conversions: []Conversion{
			{From: soundFormats, To: soundFormats},
			{From: filmFormats, To: slices.Concat(filmFormats, soundFormats, []string{"gif"})},
			{From: []string{"gif"}, To: filmFormats},
		},
		convert: f.convert,
		operations: map[string]operation{
			"thumbnail": {from: filmFormats, to: []string{"jpg", "png", "webp"}, file: f.thumbnail},
		},
	}
}

func (f *ffmpeg) convert(ctx context.Context, w work) error {
	dir, err := w.run.Dir()
	if err != nil {
		return err
	}
	settings, err := mediaSettings(w)
	if err != nil {
		return err
	}
	result := filepath.Join(dir, "out."+w.run.OutputFormat)
	args := slices.Concat(reading(w.in), []string{"-map_metadata", "-1", "-sn", "-dn"}, writers[w.run.OutputFormat], settings,
		[]string{"-fs", strconv.Itoa(maxMediaOutput), "-progress", "pipe:1"}, writing(result))
	if err := f.media(ctx, w, execution{dir: dir, args: args}); err != nil {
		return err
	}
	return f.add(w, w.name(), result)
}

// add adds a file to the result. An empty one is an error.
func (f *ffmpeg) add(w work, name, path string) error {
	if sizeOf(path) <= 0 {
		return errors.New("ffmpeg made no output")
	}
	return w.run.AddFile(name, path)
}

// media runs ffmpeg on the input of a task.
func (f *ffmpeg) media(ctx context.Context, w work, e execution) error {
	if w.in.Size > maxMediaInput {
		return cloudconverttest.Fail("FILE_TOO_LARGE", w.in.Name+" is too large")
	}
	show := &progress{show: w.run.SetPercent}
	e.inputs = []string{w.in.Path}
	e.stdout, e.stderr = &lines{each: show.position}, &lines{each: show.duration}
	err := f.run(ctx, e)
	if errors.Is(err, errExit) && show.length() == 0 {
		return openFailed(w.in, "it is not an audio or video file, or it is damaged")
	}
	return err
}

// reading returns the arguments that open an input, with further ones for it.
func reading(in cloudconverttest.Input, how ...string) []string {
	return slices.Concat([]string{"-hide_banner", "-nostdin", "-nostats", "-y"}, how,
		[]string{"-protocol_whitelist", "file,pipe", "-f", readers[in.Format], "-i", "file:" + in.Path})
}

// writing returns the arguments for the output, which come last.
func writing(path string) []string { return []string{"file:" + path} }

// mediaSettings returns the arguments for the parameters of the task.
func mediaSettings(w work) ([]string, error) {
	var args []string
	for _, s := range []struct {
		name, flag, unit string
		low, high        float64
	}{
		{"audio_bitrate", "-b:a", "k", 8, 512},
		{"crf", "-crf", "", 0, 63},
	} {
		if w.run.Params[s.name] == nil {
			continue
		}
		value := w.run.Number(s.name)
		if value < s.low || value > s.high {
			return nil, invalid("%s needs a number from %v to %v", s.name, s.low, s.high)
		}
		args = append(args, s.flag, fmt.Sprintf("%d%s", int(value), s.unit))
	}
	preset := w.run.Text("preset")
	switch {
	case preset == "":
		return args, nil
	case !slices.Contains(strings.Fields("ultrafast superfast veryfast faster fast medium slow slower veryslow"), preset):
		return nil, invalid("preset %q is not known", clip(preset))
	}
	return append(args, "-preset", preset), nil
}
