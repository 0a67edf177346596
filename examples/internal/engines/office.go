package engines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

const (
	maxOfficeInput  = 128 << 20
	maxOfficeOutput = 1 << 30
)

// The formats of LibreOffice by kind of document, and its filters. Without the name of a
// filter, it would read any format under the name of another.
var (
	officeConversions = []Conversion{
		{From: []string{"doc", "docx", "odt", "rtf", "txt", "html"}, To: []string{"pdf", "doc", "docx", "odt", "rtf", "txt", "html"}},
		{From: []string{"xls", "xlsx", "ods", "csv"}, To: []string{"pdf", "xls", "xlsx", "ods", "csv", "html"}},
		{From: []string{"ppt", "pptx", "odp"}, To: []string{"pdf", "ppt", "pptx", "odp"}},
	}
	officeReaders = map[string]string{
		"doc":  "MS Word 97",
		"docx": "MS Word 2007 XML",
		"odt":  "writer8",
		"rtf":  "Rich Text Format",
		"txt":  "Text (encoded):UTF8,LF,,,",
		"html": "HTML (StarWriter)",
		"xls":  "MS Excel 97",
		"xlsx": "Calc MS Excel 2007 XML",
		"ods":  "calc8",
		"csv":  "Text - txt - csv (StarCalc):44,34,76,1",
		"ppt":  "MS PowerPoint 97",
		"pptx": "Impress MS PowerPoint 2007 XML",
		"odp":  "impress8",
	}
	officeWriters = map[string]string{
		"txt": "txt:Text (encoded):UTF8",
		"csv": "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true",
	}
)

// office converts documents with LibreOffice.
type office struct{ program }

// findOffice returns nil if LibreOffice is not installed.
func (k *kit) findOffice() *office {
	path := k.find("soffice", "libreoffice")
	if path == "" {
		return nil
	}
	return &office{program{kit: k, path: path, ask: "--version"}}
}

func (o *office) engine() Engine {
	return Engine{
		Name: "libreoffice", Path: o.path, Conversions: officeConversions, version: o.readVersion,
		convert: o.convert,
	}
}

// canConvert returns false for a nil office.
func (o *office) canConvert(from, to string) bool {
	return o != nil && slices.ContainsFunc(officeConversions, func(c Conversion) bool {
		return slices.Contains(c.From, from) && slices.Contains(c.To, to)
	})
}

func (o *office) convert(ctx context.Context, w work) error {
	path, err := o.produce(ctx, w, w.run.OutputFormat)
	if err != nil {
		return err
	}
	return w.run.AddFile(w.name(), path)
}

// produce converts the input and returns the path of the result, which is removed with
// the task.
func (o *office) produce(ctx context.Context, w work, to string) (string, error) {
	if w.in.Size > maxOfficeInput {
		return "", cloudconverttest.Fail("FILE_TOO_LARGE", w.in.Name+" is too large")
	}
	dir, err := w.run.Dir()
	if err != nil {
		return "", err
	}
	input := filepath.Join(dir, "document."+w.in.Format)
	if err := errors.Join(copyFile(w.in.Path, input), writeProfile(dir)); err != nil {
		return "", err
	}
	err = o.run(ctx, execution{dir: dir, args: officeArguments(dir, input, w.in.Format, to)})
	if err != nil && !errors.Is(err, errExit) {
		return "", err
	}
	result := filepath.Join(dir, "out", "document."+to)
	switch size := sizeOf(result); {
	case size < 0: // some versions exit with 0 in this case
		return "", openFailed(w.in, "it is not a document of this format, or it is damaged or protected")
	case size > maxOfficeOutput:
		return "", errTooMuch
	}
	return result, nil
}

func officeArguments(dir, input, from, to string) []string {
	args := []string{
		"--headless", "--norestore", "--nologo", "--nodefault", "--nofirststartwizard", "--nolockcheck",
		"-env:UserInstallation=" + fileURL(profileOf(dir)),
	}
	args = append(args, "--infilter="+officeReaders[from])
	writer, ok := officeWriters[to]
	if !ok {
		writer = to
	}
	return append(args, "--convert-to", writer, "--outdir", filepath.Join(dir, "out"), input)
}

func profileOf(dir string) string { return filepath.Join(dir, "profile") }

func fileURL(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

// profile disables macros and linked content.
const profile = `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
<prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop>
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop>
</item>
</oor:items>
`

// writeProfile writes the settings of a single run: two runs cannot share them.
func writeProfile(dir string) error {
	user := filepath.Join(profileOf(dir), "user")
	if err := os.MkdirAll(user, 0o700); err != nil {
		return fmt.Errorf("make a profile: %w", err)
	}
	return os.WriteFile(filepath.Join(user, "registrymodifications.xcu"), []byte(profile), 0o600)
}

// copyFile copies a file, so that a program cannot change the original.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close(), in.Close())
}

// sizeOf returns -1 if there is not a regular file.
func sizeOf(path string) int64 {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	return info.Size()
}
