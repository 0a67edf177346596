package engines

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/media"
)

const (
	resolution   = 150   // dots per inch of rendered pages
	maxPageSide  = 8_000 // pixels of a rendered page
	defaultPoint = 72    // points per inch
)

// poppler renders the pages of PDFs, and of documents that LibreOffice converts to PDF.
type poppler struct {
	render, info, text *program
	office             *office // may be nil
}

// findPoppler returns nil if the programs of poppler are not installed.
func (k *kit) findPoppler(o *office) *poppler {
	p := &poppler{k.tool("-v", "pdftoppm"), k.tool("-v", "pdfinfo"), k.tool("-v", "pdftotext"), o}
	if p.render == nil || p.info == nil || p.text == nil {
		return nil
	}
	return p
}

func (p *poppler) engine() Engine {
	inputs := []string{"pdf"}
	if p.office != nil {
		for _, c := range officeConversions {
			inputs = append(inputs, c.From...)
		}
	}
	_, images := media.Formats()
	return Engine{
		Name: "poppler", Path: p.render.path, version: p.render.readVersion,
		Conversions: []Conversion{
			{From: inputs, To: images},
			{From: []string{"pdf"}, To: []string{"txt"}},
		},
		convert:    p.convert,
		operations: map[string]operation{"thumbnail": {from: inputs, to: []string{"jpg", "png"}, file: p.thumbnail}},
	}
}

// document is a PDF with its pages.
type document struct {
	path     string
	password []string // arguments
	pages    []pageSize
}

// pageSize is the size of a page in points.
type pageSize struct{ width, height float64 }

var (
	pageCount = regexp.MustCompile(`(?m)^Pages: +(\d+)$`)
	sizeLine  = regexp.MustCompile(`(?m)^Page +\d+ size: +([\d.]+) x ([\d.]+) pts`)
)

// open reads the sizes of all pages.
func (p *poppler) open(ctx context.Context, w work) (document, error) {
	d := document{path: w.in.Path}
	var err error
	switch {
	case w.in.Size > maxPDFInput:
		return d, cloudconverttest.Fail("FILE_TOO_LARGE", w.in.Name+" is too large")
	case w.in.Format != "pdf":
		if d.path, err = p.office.produce(ctx, w, "pdf"); err != nil {
			return d, err
		}
	case w.run.Text("password") != "":
		d.password = []string{"-upw", w.run.Text("password")}
	}
	dir, err := w.run.Dir()
	if err != nil {
		return d, err
	}
	out := &bounded{limit: 4 << 20}
	args := slices.Concat(d.password, []string{"-f", "1", "-l", strconv.Itoa(maxPages), d.path})
	err = p.info.run(ctx, execution{dir: dir, inputs: []string{d.path}, stdout: out, args: args})
	if errors.Is(err, errExit) {
		return d, openFailed(w.in, "it is not a PDF, or it is damaged or protected")
	}
	if err != nil {
		return d, err
	}
	for _, size := range sizeLine.FindAllSubmatch(out.buffer, -1) {
		width, _ := strconv.ParseFloat(string(size[1]), 64)
		height, _ := strconv.ParseFloat(string(size[2]), 64)
		d.pages = append(d.pages, pageSize{width, height})
	}
	if len(d.pages) == 0 || !pageCount.Match(out.buffer) {
		return d, openFailed(w.in, "it has no pages")
	}
	return d, nil
}

// convert makes an image of each page in the parameter pages, or the text of all pages.
func (p *poppler) convert(ctx context.Context, w work) error {
	d, err := p.open(ctx, w)
	if err != nil {
		return err
	}
	if w.run.OutputFormat == "txt" {
		return p.extractText(ctx, w, d)
	}
	selection := w.run.Text("pages")
	if selection == "" {
		selection = "1-"
	}
	pages, err := parsePages(selection, len(d.pages))
	if err != nil {
		return err
	}
	for i, page := range pages {
		name := w.name()
		if len(pages) > 1 {
			name = w.numbered(i+1, len(pages))
		}
		if err := p.image(ctx, w, d, page, name); err != nil {
			return err
		}
		w.run.SetPercent(100 * (i + 1) / len(pages))
	}
	return nil
}

// thumbnail makes an image of the first page.
func (p *poppler) thumbnail(ctx context.Context, w work) error {
	if w.run.OutputFormat == "webp" {
		return cloudconverttest.ErrUnsupported
	}
	d, err := p.open(ctx, w)
	if err != nil {
		return err
	}
	return p.image(ctx, w, d, 1, w.name())
}

// image adds an image of a page with the size in the parameters.
func (p *poppler) image(ctx context.Context, w work, d document, number int, name string) error {
	dir, err := w.run.Dir()
	if err != nil {
		return err
	}
	size := d.pages[number-1]
	dpi := min(resolution, maxPageSide*defaultPoint/max(size.width, size.height, 1))
	n := strconv.Itoa(number)
	args := slices.Concat(d.password, []string{
		"-png", "-singlefile", "-f", n, "-l", n, "-r", strconv.Itoa(max(int(math.Floor(dpi)), 1)), d.path, "page",
	})
	if err := p.render.run(ctx, execution{dir: dir, inputs: []string{d.path}, args: args}); err != nil {
		return err
	}
	in, err := os.Open(filepath.Join(dir, "page.png"))
	if err != nil {
		return errors.New("pdftoppm made no output")
	}
	return errors.Join(writeImage(ctx, w, name, in), in.Close())
}

// writeImage adds a PNG to the result, with the format and size in the parameters.
func writeImage(ctx context.Context, w work, name string, in io.Reader) error {
	out := &bounded{limit: maxPDFOutput}
	err := media.Convert(ctx, out, in, "png", w.run.OutputFormat, media.ConvertOptions{
		Quality: int(w.run.Number("quality")), Width: int(w.run.Number("width")), Height: int(w.run.Number("height")),
		Fit: w.run.Text("fit"),
	})
	if err != nil {
		return err
	}
	return w.run.Write(name, out.buffer)
}

func (p *poppler) extractText(ctx context.Context, w work, d document) error {
	dir, err := w.run.Dir()
	if err != nil {
		return err
	}
	args := slices.Concat(d.password, []string{"-enc", "UTF-8", d.path, "text.txt"})
	if err := p.text.run(ctx, execution{dir: dir, inputs: []string{d.path}, args: args}); err != nil {
		return err
	}
	return w.run.AddFile(w.name(), filepath.Join(dir, "text.txt"))
}
