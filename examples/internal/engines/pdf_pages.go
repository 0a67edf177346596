package engines

import (
	"context"
	"strconv"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// split makes a document of each page. The name of a single one has a number, too.
func (p *pdf) split(ctx context.Context, w work) error {
	doc, err := p.open(ctx, w)
	if err != nil {
		return err
	}
	if doc.PageCount > maxPages {
		return invalid("the document has %d pages, and the limit is %d", doc.PageCount, maxPages)
	}
	for page := range doc.PageCount {
		if err := p.savePages(ctx, w, w.numbered(page+1, max(doc.PageCount, 2)), doc, []int{page + 1}); err != nil {
			return err
		}
		w.run.SetPercent(100 * (page + 1) / doc.PageCount)
	}
	return nil
}

// extract makes a document of the pages in the parameter pages.
func (p *pdf) extract(ctx context.Context, w work) error {
	doc, err := p.open(ctx, w)
	if err != nil {
		return err
	}
	pages, err := parsePages(w.run.Text("pages"), doc.PageCount)
	if err != nil {
		return err
	}
	return p.savePages(ctx, w, w.name(), doc, pages)
}

func (p *pdf) savePages(ctx context.Context, w work, name string, doc *model.Context, pages []int) error {
	file, err := guarded(ctx, p.kit, func() ([]byte, error) {
		part, err := pdfcpu.ExtractPages(doc, pages, false)
		if err != nil {
			return nil, err
		}
		return written(part)
	})
	if err != nil {
		return err
	}
	return w.run.Write(name, file)
}

// rotate rotates pages clockwise: by an angle with a sign, to one without.
func (p *pdf) rotate(ctx context.Context, w work) error {
	text := w.run.Text("rotation")
	angle, err := strconv.Atoi(text)
	if err != nil || angle%90 != 0 {
		return invalid("rotation needs +90, -90 or 180, not %q", clip(text))
	}
	relative := text[0] == '+' || text[0] == '-'
	return p.change(ctx, w, func(doc *model.Context) error {
		pages, err := selected(w, doc)
		if err != nil {
			return err
		}
		return turn(doc, pages, angle, relative)
	})
}

// turn sets the rotation of pages, or adds to it.
func turn(doc *model.Context, pages types.IntSet, angle int, relative bool) error {
	for page := range pages {
		dict, _, inherited, err := doc.PageDict(page, false)
		if err != nil {
			return err
		}
		rotation := angle
		if relative {
			rotation += inherited.Rotate
		}
		dict.Update("Rotate", types.Integer((rotation%360+360)%360))
	}
	return nil
}

// selected returns the pages in the parameter pages, or all.
func selected(w work, doc *model.Context) (types.IntSet, error) {
	text := w.run.Text("pages")
	if text == "" {
		text = "1-"
	}
	pages, err := parsePages(text, doc.PageCount)
	if err != nil {
		return nil, err
	}
	set := types.IntSet{}
	for _, page := range pages {
		set[page] = true
	}
	return set, nil
}
