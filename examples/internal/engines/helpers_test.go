package engines

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// bench is a server with the engines of a kit.
type bench struct {
	*cloudconverttest.Server

	client *cloudconvert.Client
}

// libraryOnly is a kit without programs.
func libraryOnly() *kit { return kitOn("") }

func kitOn(path string) *kit {
	k := newKit(context.Background(), Options{}, path)
	k.limit = time.Minute
	return k
}

func newBench(t *testing.T, k *kit, options ...cloudconverttest.Option) *bench {
	t.Helper()
	server := cloudconverttest.NewServer(options...)
	t.Cleanup(server.Close)
	AddFormats(t.Context(), server, k.register(server))
	return &bench{server, server.Client()}
}

// upload is a file for a job.
type upload struct {
	name    string
	content []byte
}

// do runs a task on files, which are the tasks a, b, c and so on. It returns the task and
// its files.
func (b *bench) do(t *testing.T, task cloudconvert.TaskRequest, files ...upload) (cloudconverttest.Task, []upload) {
	t.Helper()
	tasks := cloudconvert.Tasks{"work": task}
	for i, f := range files {
		tasks[string(rune('a'+i))] = cloudconvert.ImportBase64{File: base64.StdEncoding.EncodeToString(f.content), Filename: f.name}
	}
	job, err := b.client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tasks: tasks})
	require.NoError(t, err)
	_, err = b.client.Jobs.Wait(t.Context(), job.ID)
	if err != nil {
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	}
	return b.result(t, job.ID)
}

func (b *bench) result(t *testing.T, id string) (cloudconverttest.Task, []upload) {
	t.Helper()
	for _, job := range b.Jobs() {
		for _, task := range job.Tasks {
			if job.ID != id || task.Name != "work" {
				continue
			}
			var results []upload
			for _, f := range task.Files {
				content, err := os.ReadFile(f.Path)
				require.NoError(t, err)
				results = append(results, upload{f.Name, content})
			}
			return task, results
		}
	}
	require.Fail(t, "the job is gone")
	return cloudconverttest.Task{}, nil
}

// one runs a task that makes one file.
func (b *bench) one(t *testing.T, task cloudconvert.TaskRequest, files ...upload) upload {
	t.Helper()
	done, results := b.do(t, task, files...)
	require.Equal(t, "finished", done.Status, done.Message)
	require.Len(t, results, 1)
	return results[0]
}

// makePDF makes a document. Each page is 200 points high and shows its width.
func makePDF(widths ...int) []byte {
	var out bytes.Buffer
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", len(offsets), fmt.Sprintf(format, args...))
	}
	out.WriteString("%PDF-1.4\n")
	var kids strings.Builder
	for i := range widths {
		fmt.Fprintf(&kids, "%d 0 R ", 4+2*i)
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [%s] /Count %d >>", kids.String(), len(widths))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	for i, width := range widths {
		text := fmt.Sprintf("BT /F1 12 Tf 20 100 Td (Width %d) Tj ET", width)
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d 200] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
			width, 5+2*i)
		object("<< /Length %d >>\nstream\n%s\nendstream", len(text), text)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return out.Bytes()
}

// widthsOf returns the widths of the pages of a document.
func widthsOf(t *testing.T, file []byte) []int {
	t.Helper()
	sizes, err := api.PageDims(bytes.NewReader(file), settings(""))
	require.NoError(t, err)
	widths := make([]int, len(sizes))
	for i, size := range sizes {
		widths[i] = int(size.Width)
	}
	return widths
}

// imageFile returns an image of a size in a format.
func imageFile(t *testing.T, format string, width, height int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			m.Set(x, y, color.RGBA{R: uint8(x), G: uint8(y), B: 100, A: 255})
		}
	}
	write, ok := map[string]func(io.Writer, image.Image) error{
		"png": png.Encode, "bmp": bmp.Encode,
		"jpg":  func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) },
		"gif":  func(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) },
		"tiff": func(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) },
	}[format]
	require.True(t, ok, format)
	var out bytes.Buffer
	require.NoError(t, write(&out, m))
	return out.Bytes()
}
