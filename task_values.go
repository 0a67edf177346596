package cloudconvert

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// hopeless returns what is wrong with parameters whose values cannot work. The
// service finds that out only when the task runs, after others were paid for. Only
// what is certain is wrong, and no value of a credential is repeated.
func hopeless(operation Operation, body map[string]any) (problems []error) {
	if err := checkFilename(operation, body); err != nil {
		problems = append(problems, err)
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		check := credentialChecks[name]
		if check == nil || !strings.HasPrefix(string(operation), "import/") && !strings.HasPrefix(string(operation), "export/") {
			continue
		}
		if value := textOf(body[name]); value != "" {
			if err := check(value); err != nil {
				problems = append(problems, fmt.Errorf("parameter %q %w", name, err))
			}
		}
	}
	headers, _ := body["headers"].(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if !headerName.MatchString(name) || strings.ContainsFunc(headers[name], isControl) {
			problems = append(problems, fmt.Errorf("parameter %q: the header %q has an invalid name or a control character in its value", "headers", name))
		}
	}
	return problems
}

// textOf returns a value of any string type as a string, and "" for all others.
func textOf(value any) string {
	if v := reflect.ValueOf(value); v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

// checkFilename compares the extension of an output with its format.
func checkFilename(operation Operation, body map[string]any) error {
	filename, format := textOf(body["filename"]), textOf(body["output_format"])
	if strings.HasPrefix(string(operation), "pdf/") {
		format = "pdf"
	}
	extension := strings.ToLower(extensionOf(filename))
	if format == "" || !slices.Contains(knownFormats, sameFormat(extension)) || sameFormat(extension) == sameFormat(format) {
		return nil
	}
	return fmt.Errorf("parameter %q has the extension %q, and the output is %q: change one", "filename", extension, format)
}

// knownFormats are the formats that an extension certainly stands for. Of others,
// as in "report.2026", nothing is known.
var knownFormats = strings.Fields(`
	ai azw3 csv doc docx dwg dxf eps epub html key md mobi numbers odp ods odt pages pdf ppt pptx ps psd rtf svg tex txt xls xlsx xps
	avif bmp gif heic ico jpg png tiff webp
	aac aiff flac m4a mp3 ogg opus wav wma
	3gp avi flv mkv mov mp4 mpg webm wmv
	7z bz2 gz rar tar tar.bz2 tar.gz tar.xz zip
	otf ttf woff woff2`)

// sameFormat returns one name for all extensions that files of a format may have.
func sameFormat(format string) string {
	format = normalFormat(format)
	switch format {
	case "jfif", "jpe":
		return "jpg"
	case "heif":
		return "heic"
	case "xhtml":
		return "html"
	case "markdown":
		return "md"
	case "aif":
		return "aiff"
	case "oga":
		return "ogg"
	case "m4v":
		return "mp4"
	case "mpeg":
		return "mpg"
	case "tbz", "tbz2":
		return "tar.bz2"
	case "txz":
		return "tar.xz"
	default:
		return format
	}
}

// credentialChecks return why a credential cannot be one, by parameter.
var credentialChecks = map[string]func(string) error{
	"access_key_id":      checkNoSpace,
	"secret_access_key":  checkNoSpace,
	"session_token":      checkNoSpace,
	"sas_token":          checkNoSpace,
	"storage_access_key": checkBase64Key,
	"private_key":        checkPrivateKey,
	"client_email":       checkClientEmail,
}

func checkNoSpace(value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return errors.New("contains white space: pass the key alone, without a line break at its end")
	}
	return nil
}

func checkBase64Key(value string) error {
	if err := checkNoSpace(value); err != nil {
		return err
	}
	if _, err := base64.StdEncoding.DecodeString(value); err != nil {
		return errors.New("is not base64: copy the whole key")
	}
	return nil
}

func checkPrivateKey(value string) error {
	block, _ := pem.Decode([]byte(value))
	if block == nil {
		return errors.New(`is not PEM: pass the whole text from "-----BEGIN" on, with its line breaks`)
	}
	if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return errors.New("is PEM of something other than a private key")
	}
	return nil
}

func checkClientEmail(value string) error {
	if !strings.Contains(value, "@") {
		return errors.New("is not an email address")
	}
	return nil
}
