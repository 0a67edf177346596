package standin

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// The documents have the parts that their formats require, and one paragraph, cell or
// slide.

const (
	packageTypes = "http://schemas.openxmlformats.org/package/2006/content-types"
	packageLinks = "http://schemas.openxmlformats.org/package/2006/relationships"
	officeLinks  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	officeTypes  = "application/vnd.openxmlformats-officedocument."
)

// part is a part of a document of Office Open XML.
type part struct{ name, contentType, content string }

// openXML packs the parts of a document. The first one is the document itself.
func openXML(parts []part, links ...entry) []byte {
	var types strings.Builder
	types.WriteString(xml.Header + `<Types xmlns="` + packageTypes + `">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>`)
	var entries []entry
	for _, p := range parts {
		types.WriteString(`<Override PartName="/` + p.name + `" ContentType="` + officeTypes + p.contentType + `+xml"/>`)
		entries = append(entries, entry{p.name, xml.Header + p.content})
	}
	return zipped(append([]entry{
		{"[Content_Types].xml", types.String() + "</Types>"},
		relationships("_rels/.rels", "officeDocument", parts[0].name),
	}, append(entries, links...)...)...)
}

// relationships returns an entry that links a part to others, given as pairs of type and
// target. Their ids are rId1, rId2 and so on.
func relationships(name string, pairs ...string) entry {
	var content strings.Builder
	content.WriteString(xml.Header + `<Relationships xmlns="` + packageLinks + `">`)
	for i := 0; i+1 < len(pairs); i += 2 {
		content.WriteString(`<Relationship Id="rId` + strconv.Itoa(i/2+1) + `" Type="` + officeLinks + "/" + pairs[i] + `" Target="` + pairs[i+1] + `"/>`)
	}
	return entry{name, content.String() + "</Relationships>"}
}

func docxFile(about string) []byte {
	paragraph := func(text string) string { return "<w:p><w:r><w:t>" + text + "</w:t></w:r></w:p>" }
	return openXML([]part{{
		"word/document.xml", "wordprocessingml.document.main",
		`<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>` +
			paragraph(sentence) + paragraph(escaped(about)) + "</w:body></w:document>",
	}})
}

func xlsxFile(about string) []byte {
	cell := func(at, text string) string {
		return `<c r="` + at + `" t="inlineStr"><is><t>` + text + "</t></is></c>"
	}
	const main = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	return openXML([]part{
		{
			"xl/workbook.xml", "spreadsheetml.sheet.main",
			"<workbook " + main + ` xmlns:r="` + officeLinks + `"><sheets><sheet name="Sandbox" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		},
		{
			"xl/worksheets/sheet1.xml", "spreadsheetml.worksheet",
			"<worksheet " + main + `><sheetData><row r="1">` + cell("A1", sentence) + `</row><row r="2">` +
				cell("A2", escaped(about)) + "</row></sheetData></worksheet>",
		},
	}, relationships("xl/_rels/workbook.xml.rels", "worksheet", "worksheets/sheet1.xml"))
}

func pptxFile(about string) []byte {
	const (
		spaces = ` xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="` + officeLinks +
			`" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"`
		group = `<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>`
		empty = `<p:cSld><p:spTree>` + group + `</p:spTree></p:cSld>`
		color = `<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" ` +
			`accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>`
		master, layout, slide = "slideMasters/slideMaster1.xml", "slideLayouts/slideLayout1.xml", "slides/slide1.xml"
	)
	box := `<p:sp><p:nvSpPr><p:cNvPr id="2" name="Text"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm>` +
		`<a:off x="457200" y="457200"/><a:ext cx="8229600" cy="1371600"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr>` +
		`<p:txBody><a:bodyPr/><a:p><a:r><a:t>` + sentence + `</a:t></a:r></a:p><a:p><a:r><a:t>` + escaped(about) +
		`</a:t></a:r></a:p></p:txBody></p:sp>`
	return openXML([]part{
		{
			"ppt/presentation.xml", "presentationml.presentation.main",
			"<p:presentation" + spaces + `><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst>` +
				`<p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/>` +
				`<p:notesSz cx="6858000" cy="9144000"/></p:presentation>`,
		},
		{
			"ppt/" + master, "presentationml.slideMaster",
			"<p:sldMaster" + spaces + ">" + empty + color + `<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>`,
		},
		{"ppt/" + layout, "presentationml.slideLayout", "<p:sldLayout" + spaces + ">" + empty + "</p:sldLayout>"},
		{"ppt/" + slide, "presentationml.slide", "<p:sld" + spaces + "><p:cSld><p:spTree>" + group + box + "</p:spTree></p:cSld></p:sld>"},
		{"ppt/theme/theme1.xml", "theme", theme()},
	},
		relationships("ppt/_rels/presentation.xml.rels", "slideMaster", master, "slide", slide, "theme", "theme/theme1.xml"),
		relationships("ppt/slideMasters/_rels/slideMaster1.xml.rels", "slideLayout", "../"+layout, "theme", "../theme/theme1.xml"),
		relationships("ppt/slideLayouts/_rels/slideLayout1.xml.rels", "slideMaster", "../"+master),
		relationships("ppt/slides/_rels/slide1.xml.rels", "slideLayout", "../"+layout),
	)
}

// theme returns the smallest theme that PowerPoint accepts.
func theme() string {
	var colors strings.Builder
	for _, c := range [][2]string{
		{"dk1", "000000"},
		{"lt1", "FFFFFF"},
		{"dk2", "333333"},
		{"lt2", "EEEEEE"},
		{"accent1", "4472C4"},
		{"accent2", "ED7D31"},
		{"accent3", "A5A5A5"},
		{"accent4", "FFC000"},
		{"accent5", "5B9BD5"},
		{"accent6", "70AD47"},
		{"hlink", "0563C1"},
		{"folHlink", "954F72"},
	} {
		colors.WriteString("<a:" + c[0] + `><a:srgbClr val="` + c[1] + `"/></a:` + c[0] + ">")
	}
	const (
		font  = `<a:latin typeface="Arial"/><a:ea typeface=""/><a:cs typeface=""/>`
		fill  = `<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>`
		line  = `<a:ln w="9525">` + fill + `</a:ln>`
		plain = `<a:effectStyle><a:effectLst/></a:effectStyle>`
	)
	return `<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" name="Plain"><a:themeElements>` +
		`<a:clrScheme name="Plain">` + colors.String() + `</a:clrScheme>` +
		`<a:fontScheme name="Plain"><a:majorFont>` + font + `</a:majorFont><a:minorFont>` + font + `</a:minorFont></a:fontScheme>` +
		`<a:fmtScheme name="Plain"><a:fillStyleLst>` + fill + fill + fill + `</a:fillStyleLst><a:lnStyleLst>` + line + line + line +
		`</a:lnStyleLst><a:effectStyleLst>` + plain + plain + plain + `</a:effectStyleLst><a:bgFillStyleLst>` + fill + fill + fill +
		`</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>`
}

// openDocument packs a document of OpenDocument.
func openDocument(kind, body string) []byte {
	mimeType := "application/vnd.oasis.opendocument." + kind
	const space = "urn:oasis:names:tc:opendocument:xmlns:"
	return zipped(
		entry{"mimetype", mimeType},
		entry{"META-INF/manifest.xml", xml.Header + `<manifest:manifest xmlns:manifest="` + space + `manifest:1.0" manifest:version="1.2">` +
			`<manifest:file-entry manifest:full-path="/" manifest:media-type="` + mimeType + `"/>` +
			`<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>`},
		entry{"content.xml", xml.Header + `<office:document-content office:version="1.2" xmlns:office="` + space + `office:1.0" xmlns:text="` +
			space + `text:1.0" xmlns:table="` + space + `table:1.0" xmlns:draw="` + space + `drawing:1.0" xmlns:svg="` + space +
			`svg-compatible:1.0"><office:body>` + body + `</office:body></office:document-content>`},
	)
}

// paragraphs returns the text of a document of OpenDocument.
func paragraphs(about string) string {
	return "<text:p>" + sentence + "</text:p><text:p>" + escaped(about) + "</text:p>"
}

func odtFile(about string) []byte {
	return openDocument("text", "<office:text>"+paragraphs(about)+"</office:text>")
}

func odsFile(about string) []byte {
	return openDocument("spreadsheet", `<office:spreadsheet><table:table table:name="Sandbox"><table:table-row>`+
		`<table:table-cell office:value-type="string">`+paragraphs(about)+
		`</table:table-cell></table:table-row></table:table></office:spreadsheet>`)
}

func odpFile(about string) []byte {
	return openDocument("presentation", `<office:presentation><draw:page draw:name="page1">`+
		`<draw:frame svg:x="2cm" svg:y="2cm" svg:width="20cm" svg:height="5cm"><draw:text-box>`+paragraphs(about)+
		`</draw:text-box></draw:frame></draw:page></office:presentation>`)
}

func epubFile(about string) []byte {
	return zipped(
		entry{"mimetype", "application/epub+zip"},
		entry{"META-INF/container.xml", xml.Header + `<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">` +
			`<rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>`},
		entry{"book.opf", xml.Header + `<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">` +
			`<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">sandbox</dc:identifier><dc:title>` + sentence +
			`</dc:title><dc:language>en</dc:language><meta property="dcterms:modified">1980-01-01T00:00:00Z</meta></metadata>` +
			`<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>` +
			`<item id="text" href="text.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="text"/></spine></package>`},
		page("nav.xhtml", `<nav xmlns:epub="http://www.idpf.org/2007/ops" epub:type="toc"><ol><li><a href="text.xhtml">`+sentence+`</a></li></ol></nav>`),
		page("text.xhtml", "<h1>"+sentence+"</h1><p>"+escaped(about)+"</p>"),
	)
}

func page(name, body string) entry {
	return entry{name, xml.Header + `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>` + sentence + `</title></head><body>` + body + `</body></html>`}
}
