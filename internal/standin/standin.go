// Package standin makes files that stand in for the results of engines that are not
// installed. Each is a valid file of its format, and says that the sandbox has made it:
// in its text or its metadata.
package standin

import (
	"embed"
	"maps"
	"slices"
	"strings"
)

// Mark is the text in each file.
const Mark = "made by the sandbox"

// maxAbout is the length of the longest text about a file, in runes.
const maxAbout = 200

// File returns a file of a format, such as "pdf" or "tar.gz". If the format has room for
// text, the file shows about: one line that says what it stands in for. It returns false
// for an unknown format. The same arguments always give the same file.
func File(format, about string) (content []byte, ok bool) {
	if runes := []rune(about); len(runes) > maxAbout {
		about = string(runes[:maxAbout])
	}
	if generate := generators[format]; generate != nil {
		return generate(about), true
	}
	content, err := data.ReadFile("data/" + prefix + format)
	return content, err == nil
}

// Has reports whether a format is known.
func Has(format string) bool {
	if generators[format] != nil {
		return true
	}
	f, err := data.Open("data/" + prefix + format)
	if err == nil {
		_ = f.Close() // it is embedded
	}
	return err == nil
}

// Formats returns the known formats, sorted.
func Formats() []string {
	formats := slices.Collect(maps.Keys(generators))
	files, _ := data.ReadDir("data") // it is embedded
	for _, file := range files {
		formats = append(formats, strings.TrimPrefix(file.Name(), prefix))
	}
	slices.Sort(formats)
	return formats
}

// prefix begins the names of the embedded files. The format follows.
const prefix = "standin."

// data has the files of formats that the standard library cannot write. Its README
// describes how they were made.
//
//go:embed data/standin.*
var data embed.FS

// generators make the files of the other formats.
var generators = map[string]func(about string) []byte{
	"bmp":    func(string) []byte { return bmpFile() },
	"csv":    csvFile,
	"docx":   docxFile,
	"eps":    epsFile,
	"epub":   epubFile,
	"gif":    func(string) []byte { return gifFile() },
	"htm":    htmlFile,
	"html":   htmlFile,
	"ico":    func(string) []byte { return icoFile() },
	"jpg":    func(string) []byte { return jpgFile() },
	"json":   jsonFile,
	"md":     markdownFile,
	"odp":    odpFile,
	"ods":    odsFile,
	"odt":    odtFile,
	"pdf":    pdfFile,
	"png":    func(string) []byte { return pngFile() },
	"pptx":   pptxFile,
	"ps":     psFile,
	"rar":    rarFile,
	"rtf":    rtfFile,
	"svg":    svgFile,
	"tar":    tarFile,
	"tar.gz": tarGzFile,
	"tiff":   func(string) []byte { return tiffFile() },
	"txt":    textFile,
	"wav":    func(string) []byte { return wavFile() },
	"xlsx":   xlsxFile,
	"xml":    xmlFile,
	"zip":    zipFile,
}
