package engines

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	var shown []int
	p := &progress{show: func(percent int) { shown = append(shown, percent) }}
	p.position("out_time_us=500000")
	for _, line := range []string{"Input #0, wav", "  Duration: 00:00:02.50, bitrate: 1 kb/s", "  Duration: 00:01:00.00"} {
		p.duration(line)
	}
	assert.Equal(t, 2500*time.Millisecond, p.length())
	for _, line := range []string{"frame=3", "out_time_us=500000", "out_time_us=N/A", "out_time_us=-9", "out_time_us=9000000", "out_time_us=9223372036854775807", "progress=end"} {
		p.position(line)
	}
	assert.Equal(t, []int{20, 99, 99}, shown)
}

func TestLines(t *testing.T) {
	t.Parallel()
	var got []string
	l := &lines{each: func(line string) { got = append(got, line) }}
	for _, piece := range []string{"one\ntw", "o\r\n\n", strings.Repeat("x", maxLine), "y", "end\nlast"} {
		n, err := l.Write([]byte(piece))
		require.NoError(t, err)
		assert.Len(t, piece, n)
	}
	assert.Equal(t, []string{"one", "two", "", "end"}, got)
}

func FuzzProgress(f *testing.F) {
	f.Add("  Duration: 00:01:02.50, start\n", "out_time_us=1500000\n")
	f.Fuzz(func(t *testing.T, stderr, stdout string) {
		p := &progress{show: func(percent int) {
			assert.GreaterOrEqual(t, percent, 0)
			assert.LessOrEqual(t, percent, 99)
		}}
		_, err := (&lines{each: p.duration}).Write([]byte(stderr))
		require.NoError(t, err)
		_, err = (&lines{each: p.position}).Write([]byte(stdout))
		require.NoError(t, err)
	})
}

func TestThumbnailSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		params map[string]any
		want   string
	}{
		{"none", nil, ""},
		{"width", map[string]any{"width": "100"}, "scale='min(100,iw)':-1"},
		{"height", map[string]any{"height": "80", "fit": "scale"}, "scale=-1:80"},
		{"inside", map[string]any{"width": "100", "height": "80"}, "scale='min(100,iw)':'min(80,ih)':force_original_aspect_ratio=decrease"},
		{"crop", map[string]any{"width": "100", "height": "80", "fit": "crop"}, "scale=100:80:force_original_aspect_ratio=increase,crop=100:80"},
		{"scale", map[string]any{"width": "100", "height": "80", "fit": "scale"}, "scale=100:80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args, err := thumbnailSize(work{run: &cloudconverttest.Run{Params: c.params}})
			require.NoError(t, err)
			assert.Equal(t, c.want, strings.Join(args[min(1, len(args)):], ""))
		})
	}
	_, err := thumbnailSize(work{run: &cloudconverttest.Run{Params: map[string]any{"width": "-5"}}})
	assert.Error(t, err)
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"5": true, "5.25": true, "01:30": true, "00:01:30.5": true, "": false, "-5": false, "5;x": false, "1:2:3:4": false, "50%": false,
	} {
		assert.Equal(t, ok, timestamp.MatchString(text), text)
	}
}

func TestMediaSettings(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]map[string]any{
		"bitrate": {"audio_bitrate": "9999"}, "crf": {"crf": "-1"}, "preset": {"preset": "-i"}, "no number": {"audio_bitrate": "fast"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mediaSettings(work{run: &cloudconverttest.Run{Params: params}})
			assert.Error(t, err)
		})
	}
}

// realFFmpeg is a bench with the installed ffmpeg.
func realFFmpeg(t *testing.T) *bench {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	return newBench(t, kitOn(os.Getenv("PATH")))
}

// tone is a second of audio.
func tone(t *testing.T) []byte {
	t.Helper()
	samples := make([]int16, 8000)
	for i := range samples {
		samples[i] = int16(i % 40 * 500)
	}
	var out bytes.Buffer
	out.WriteString("RIFF")
	for _, field := range []any{
		uint32(36 + 16000), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(8000), uint32(16000), uint16(2), uint16(16),
		[]byte("data"), uint32(16000), samples,
	} {
		require.NoError(t, binary.Write(&out, binary.LittleEndian, field))
	}
	return out.Bytes()
}

func TestRealAudio(t *testing.T) {
	t.Parallel()
	b := realFFmpeg(t)
	for _, format := range []string{"mp3", "ogg", "flac", "m4a"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			there := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: format}, upload{"a.wav", tone(t)})
			assert.Equal(t, "a."+format, there.name)
			back := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "wav"}, there)
			assert.True(t, bytes.HasPrefix(back.content, []byte("RIFF")))
		})
	}
}

func TestRealVideo(t *testing.T) {
	t.Parallel()
	b := realFFmpeg(t)
	film := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "mp4"}, upload{"a.gif", imageFile(t, "gif", 61, 41)})
	for _, format := range []string{"webm", "mkv", "mov", "gif"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			result := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: format}, film)
			assert.NotEmpty(t, result.content)
		})
	}
	t.Run("thumbnails", func(t *testing.T) {
		t.Parallel()
		task, results := b.do(t, cloudconvert.Thumbnail{Input: []string{"a"}, OutputFormat: "png", Width: 30, Count: 2}, film)
		require.Equal(t, "finished", task.Status, task.Message)
		require.Len(t, results, 2)
		for i, result := range results {
			assert.Equal(t, []string{"a-1.png", "a-2.png"}[i], result.name)
			size, _, err := image.DecodeConfig(bytes.NewReader(result.content))
			require.NoError(t, err)
			assert.Equal(t, 30, size.Width)
		}
	})
	t.Run("position behind the end", func(t *testing.T) {
		t.Parallel()
		task, _ := b.do(t, cloudconvert.Thumbnail{Input: []string{"a"}, OutputFormat: "jpg", Timestamp: "00:10:00"}, film)
		assert.Equal(t, "error", task.Status)
	})
}

func TestRealBrokenMedia(t *testing.T) {
	t.Parallel()
	b := realFFmpeg(t)
	playlist := []byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n")
	for name, content := range map[string][]byte{"text": []byte("this is no film"), "playlist": playlist} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task, _ := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "webm"}, upload{"a.mp4", content})
			assert.Equal(t, "OPEN_FAILED", task.Code, task.Message)
		})
	}
}
