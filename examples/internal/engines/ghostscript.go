package engines

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// ghostscript makes PDF/A and PDF/X.
type ghostscript struct{ *program }

// findGhostscript returns nil if Ghostscript is not installed.
func (k *kit) findGhostscript() *ghostscript {
	p := k.tool("--version", "gs", "gswin64c")
	if p == nil {
		return nil
	}
	return &ghostscript{p}
}

func (g *ghostscript) engine() Engine {
	return Engine{
		Name: "ghostscript", Path: g.path, version: g.readVersion,
		operations: map[string]operation{
			"pdf/a": {from: onlyPDF, file: g.archive},
			"pdf/x": {from: onlyPDF, file: g.printable},
		},
	}
}

// archiveIntent names the colors of a PDF/A: those of screens.
const archiveIntent = `%!
[ /_objdef {icc} /type /stream /OBJ pdfmark
[ {icc} << /N 3 >> /PUT pdfmark
[ {icc} currentuserparams /ICCProfilesDir get (default_rgb.icc) concatstrings (r) file /PUT pdfmark
[ /_objdef {intent} /type /dict /OBJ pdfmark
[ {intent} << /Type /OutputIntent /S /GTS_PDFA1 /DestOutputProfile {icc} /OutputConditionIdentifier (sRGB) >> /PUT pdfmark
[ {Catalog} << /OutputIntents [ {intent} ] >> /PUT pdfmark
`

// printIntent names the colors of a PDF/X: those of a press, as a name in a registry.
const printIntent = `%!
[ /GTS_PDFXVersion (PDF/X-3:2002) /Trapped /False /DOCINFO pdfmark
[ /_objdef {icc} /type /stream /OBJ pdfmark
[ {icc} << /N 4 >> /PUT pdfmark
[ {icc} currentuserparams /ICCProfilesDir get (default_cmyk.icc) concatstrings (r) file /PUT pdfmark
[ /_objdef {intent} /type /dict /OBJ pdfmark
[ {intent} << /Type /OutputIntent /S /GTS_PDFX /DestOutputProfile {icc} /OutputCondition (Commercial printing)
  /OutputConditionIdentifier (CGATS TR 001) /RegistryName (http://www.color.org) /Info (default CMYK) >> /PUT pdfmark
[ {Catalog} << /OutputIntents [ {intent} ] >> /PUT pdfmark
`

// archive makes a PDF/A of the level in conformance_level.
func (g *ghostscript) archive(ctx context.Context, w work) error {
	part := map[string]string{"1b": "1", "2b": "2", "3b": "3"}[w.run.Text("conformance_level")]
	if part == "" {
		part = "3"
	}
	return g.produce(ctx, w, archiveIntent, "-dPDFA="+part, "-dPDFACompatibilityPolicy=1", "-sColorConversionStrategy=RGB")
}

// printable makes a PDF/X-3, the only variant that all versions of Ghostscript make.
func (g *ghostscript) printable(ctx context.Context, w work) error {
	if variant := w.run.Text("variant"); variant != "" && variant != "3" {
		return cloudconverttest.ErrUnsupported
	}
	return g.produce(ctx, w, printIntent, "-dPDFX", "-sColorConversionStrategy=CMYK")
}

func (g *ghostscript) produce(ctx context.Context, w work, intent string, standard ...string) error {
	if w.in.Size > maxPDFInput {
		return cloudconverttest.Fail("FILE_TOO_LARGE", w.in.Name+" is too large")
	}
	dir, err := w.run.Dir()
	if err != nil {
		return err
	}
	err = errors.Join(copyFile(w.in.Path, filepath.Join(dir, "in.pdf")),
		os.WriteFile(filepath.Join(dir, "intent.ps"), []byte(intent), 0o600))
	if err != nil {
		return err
	}
	args := slices.Concat([]string{"-dSAFER", "-dBATCH", "-dNOPAUSE", "-q", "-sDEVICE=pdfwrite"}, standard,
		[]string{"-sOutputFile=out.pdf", "intent.ps", "in.pdf"})
	err = g.run(ctx, execution{dir: dir, args: args})
	if errors.Is(err, errExit) {
		return openFailed(w.in, err.Error())
	}
	if err != nil {
		return err
	}
	return w.run.AddFile(w.name(), filepath.Join(dir, "out.pdf"))
}
