package engines

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// ocr recognizes the text of PDFs with OCRmyPDF and tesseract.
type ocr struct{ *program }

// findOCR returns nil if one of the programs is not installed.
func (k *kit) findOCR() *ocr {
	p := k.tool("--version", "ocrmypdf")
	if p == nil || k.find("tesseract") == "" {
		return nil
	}
	return &ocr{p}
}

func (o *ocr) engine() Engine {
	return Engine{
		Name: "ocrmypdf", Path: o.path, version: o.readVersion,
		operations: map[string]operation{"pdf/ocr": {from: onlyPDF, file: o.recognize}},
	}
}

// recognize adds the text of pages that have none.
func (o *ocr) recognize(ctx context.Context, w work) error {
	if w.in.Size > maxPDFInput {
		return cloudconverttest.Fail("FILE_TOO_LARGE", w.in.Name+" is too large")
	}
	dir, err := w.run.Dir()
	if err != nil {
		return err
	}
	languages, missing, err := o.languages(ctx, dir, w)
	if err != nil {
		return err
	}
	args := []string{"--skip-text", "--output-type", "pdf", "--jobs", "1", "--quiet", "--language", strings.Join(languages, "+")}
	if allowed(w, "auto_orient") {
		args = append(args, "--rotate-pages")
	}
	err = o.run(ctx, execution{dir: dir, inputs: []string{w.in.Path}, args: append(args, w.in.Path, "out.pdf")})
	if errors.Is(err, errExit) {
		return openFailed(w.in, clip(err.Error()))
	}
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		w.run.SetMessage("Only " + strings.Join(languages, ", ") + " was used: " + missingLanguages(missing))
	}
	return w.run.AddFile(w.name(), filepath.Join(dir, "out.pdf"))
}

func missingLanguages(missing []string) string {
	return "tesseract does not have " + strings.Join(missing, ", ")
}

// languages returns the languages of the task that are installed, and those that are not.
func (o *ocr) languages(ctx context.Context, dir string, w work) (installed, missing []string, err error) {
	wanted := []string{"eng"}
	if list, ok := w.run.Params["language"].([]any); ok && len(list) > 0 {
		wanted = nil
		for _, value := range list {
			if language, ok := value.(string); ok {
				wanted = append(wanted, language)
			}
		}
	}
	tesseract := o.kit.tool("--version", "tesseract")
	if tesseract == nil {
		return nil, nil, cloudconverttest.ErrUnsupported
	}
	out := &bounded{limit: 64 << 10}
	if err := tesseract.run(ctx, execution{dir: dir, stdout: out, args: []string{"--list-langs"}}); err != nil {
		return nil, nil, err
	}
	known := strings.Split(strings.TrimSpace(string(out.buffer)), "\n")
	for _, language := range wanted {
		if slices.Contains(known, language) {
			installed = append(installed, language)
		} else {
			missing = append(missing, clip(language))
		}
	}
	if len(installed) == 0 {
		return nil, nil, unsupported(missingLanguages(missing))
	}
	return installed, missing, nil
}
