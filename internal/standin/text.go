package standin

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"
)

// sentence is the text of a document.
const sentence = "This file was " + Mark + "."

func textFile(about string) []byte { return []byte(sentence + "\n" + oneLine(about) + "\n") }

func markdownFile(about string) []byte {
	return []byte("# " + sentence + "\n\n" + oneLine(about) + "\n")
}

func csvFile(about string) []byte {
	var out strings.Builder
	w := csv.NewWriter(&out)
	_ = w.WriteAll([][]string{{"note", "about"}, {sentence, oneLine(about)}}) // a Builder has no errors
	return []byte(out.String())
}

func jsonFile(about string) []byte {
	// Strings always encode.
	content, _ := json.Marshal(map[string]string{"note": sentence, "about": about})
	return append(content, '\n')
}

func xmlFile(about string) []byte {
	return []byte(xml.Header + "<standin><note>" + sentence + "</note><about>" + escaped(about) + "</about></standin>\n")
}

func htmlFile(about string) []byte {
	return []byte("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + sentence +
		"</title></head>\n<body><h1>" + sentence + "</h1><p>" + escaped(about) + "</p></body></html>\n")
}

func svgFile(about string) []byte {
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="640" height="120" viewBox="0 0 640 120">` +
		"\n<rect width=\"640\" height=\"120\" fill=\"white\"/>\n" +
		`<text x="20" y="50" font-family="sans-serif" font-size="24">` + sentence + "</text>\n" +
		`<text x="20" y="85" font-family="sans-serif" font-size="14">` + escaped(about) + "</text>\n</svg>\n")
}

func rtfFile(about string) []byte {
	var text strings.Builder
	for _, r := range oneLine(about) {
		switch {
		case r == '\\' || r == '{' || r == '}':
			text.WriteString(`\` + string(r))
		case r < 0x80:
			text.WriteRune(r)
		case r < 0x8000:
			fmt.Fprintf(&text, `\u%d?`, r)
		default:
			text.WriteByte('?')
		}
	}
	return []byte(`{\rtf1\ansi{\info{\comment ` + Mark + `}}` + sentence + `\par ` + text.String() + "\\par}\n")
}

func psFile(about string) []byte { return postScript("%!PS-Adobe-3.0", about, "showpage\n") }

func epsFile(about string) []byte { return postScript("%!PS-Adobe-3.0 EPSF-3.0", about, "") }

func postScript(head, about, tail string) []byte {
	return []byte(head + "\n%%BoundingBox: 0 0 595 842\n%%Creator: " + Mark + "\n%%EndComments\n" +
		"/Helvetica findfont 18 scalefont setfont\n72 750 moveto (" + sentence + ") show\n" +
		"/Helvetica findfont 11 scalefont setfont\n72 720 moveto (" + parenthesized(about) + ") show\n" + tail + "%%EOF\n")
}

// oneLine replaces line breaks and other control characters.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// escaped returns a text for XML and HTML.
func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(oneLine(text))) // a Builder has no errors
	return out.String()
}

// parenthesized returns the inside of a string of PDF or PostScript, in ASCII.
func parenthesized(text string) string {
	var out strings.Builder
	for _, r := range oneLine(text) {
		switch {
		case r == '\\' || r == '(' || r == ')':
			out.WriteString(`\` + string(r))
		case r < 0x80:
			out.WriteRune(r)
		default:
			out.WriteByte('?')
		}
	}
	return out.String()
}
