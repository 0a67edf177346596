package multipart_test

import (
	"errors"
	"io"
	"math"
	"mime"
	stdmultipart "mime/multipart"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
)

var named = regexp.MustCompile(`^\P{Cc}*[^\p{Cc}\\]$`)

// sendable reports whether a form accepts a name.
func sendable(name string) bool {
	return utf8.ValidString(name) && named.MatchString(name)
}

// part is a part of a form as a server sees it.
type part struct {
	header  string // Content-Disposition as sent
	content string
	typ     string
}

func TestForm(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fields   []multipart.Field
		filename string
		file     string
		want     []part
	}{
		"the current form, in order": {
			fields: []multipart.Field{
				{Name: "acl", Value: "private"},
				{Name: "key", Value: "task/${filename}"},
				{Name: "Policy", Value: "eyJhIjoxfQ=="},
				{Name: "X-Amz-Signature", Value: "0a1b"},
			},
			filename: "input.pdf",
			file:     "%PDF-1.7",
			want: []part{
				{header: `form-data; name="acl"`, content: "private"},
				{header: `form-data; name="key"`, content: "task/${filename}"},
				{header: `form-data; name="Policy"`, content: "eyJhIjoxfQ=="},
				{header: `form-data; name="X-Amz-Signature"`, content: "0a1b"},
				{
					header:  `form-data; name="file"; filename="input.pdf"`,
					content: "%PDF-1.7", typ: "application/octet-stream",
				},
			},
		},
		"no fields and no bytes": {
			filename: "empty.txt",
			want: []part{
				{header: `form-data; name="file"; filename="empty.txt"`, typ: "application/octet-stream"},
			},
		},
		"a name twice, an empty value, a value of several lines": {
			fields: []multipart.Field{
				{Name: "a", Value: "1"},
				{Name: "a", Value: ""},
				{Name: "b", Value: "one\r\n--two--\r\n\r\nthree\n"},
			},
			filename: "x.bin",
			file:     "\r\n--\r\n\x00\xff",
			want: []part{
				{header: `form-data; name="a"`, content: "1"},
				{header: `form-data; name="a"`},
				{header: `form-data; name="b"`, content: "one\r\n--two--\r\n\r\nthree\n"},
				{
					header:  `form-data; name="file"; filename="x.bin"`,
					content: "\r\n--\r\n\x00\xff", typ: "application/octet-stream",
				},
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form, err := multipart.New(test.fields, test.filename, int64(len(test.file)))
			require.NoError(t, err)
			assert.Equal(t, test.want, parse(t, form, test.file))
			assert.Equal(t, test.want, parse(t, form, test.file), "a form can make several bodies")
		})
	}
}

func TestQuoting(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // name as given, as sent
		`a.pdf`:               `a.pdf`,
		`with space.pdf`:      `with space.pdf`,
		`"quoted".pdf`:        `%22quoted%22.pdf`,
		`back\slash.pdf`:      `back\slash.pdf`,
		`back\"slash.pdf`:     `back\%22slash.pdf`,
		`100%.pdf`:            `100%.pdf`,
		`%22.pdf`:             `%22.pdf`,
		`semi;colon=x.pdf`:    `semi;colon=x.pdf`,
		`Übung – 日本語 🎉.pdf`:   `Übung – 日本語 🎉.pdf`,
		"e\u0301te\u0301.pdf": "e\u0301te\u0301.pdf",
		`x"; name="key`:       `x%22; name=%22key`,
	}
	for given, sent := range tests {
		t.Run(given, func(t *testing.T) {
			t.Parallel()
			form, err := multipart.New([]multipart.Field{{Name: given, Value: "v"}}, given, 0)
			require.NoError(t, err)
			parts := parse(t, form, "")
			require.Len(t, parts, 2)
			assert.Equal(t, `form-data; name="`+sent+`"`, parts[0].header)
			assert.Equal(t, `form-data; name="file"; filename="`+sent+`"`, parts[1].header)
		})
	}
}

func TestRefusedNames(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ given, want string }{
		"empty":             {"", "is empty"},
		"line feed":         {"a\nb.pdf", "control character"},
		"carriage return":   {"a\rb.pdf", "control character"},
		"header injection":  {"a\r\nContent-Type: text/html\r\n\r\nx", "control character"},
		"null":              {"a\x00.pdf", "control character"},
		"tab":               {"a\t.pdf", "control character"},
		"delete":            {"a\x7f.pdf", "control character"},
		"next line":         {"a\u0085.pdf", "control character"},
		"invalid UTF-8":     {"a\xff.pdf", "not valid UTF-8"},
		"cut rune":          {"\xe6\x97.pdf", "not valid UTF-8"},
		"trailing escape":   {`a.pdf\`, "backslash"},
		"only an escape":    {`\`, "backslash"},
		"surrogate encoded": {"\xed\xa0\x80.pdf", "not valid UTF-8"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := multipart.New(nil, test.given, 1)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "file name")

			_, err = multipart.New([]multipart.Field{{Name: test.given}}, "a.pdf", 1)
			require.ErrorContains(t, err, test.want)
			assert.ErrorContains(t, err, "field name")
		})
	}
}

func TestRefusedForms(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"file", "File", "FILE"} {
		t.Run("second "+name, func(t *testing.T) {
			t.Parallel()
			_, err := multipart.New([]multipart.Field{{Name: name, Value: "x"}}, "a.pdf", 1)
			assert.ErrorContains(t, err, `called "file"`)
		})
	}
	for name, size := range map[string]int64{"unknown": -1, "overflow": math.MaxInt64, "near overflow": math.MaxInt64 - 100} {
		t.Run(name+" size", func(t *testing.T) {
			t.Parallel()
			_, err := multipart.New(nil, "a.pdf", size)
			assert.ErrorContains(t, err, "file size")
		})
	}
}

func TestFieldValuesStayOutOfErrors(t *testing.T) {
	t.Parallel()
	_, err := multipart.New([]multipart.Field{{Name: "file", Value: "hidden"}}, "a.pdf", 1)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hidden")
}

func TestBoundaryDiffers(t *testing.T) {
	t.Parallel()
	one, err := multipart.New(nil, "a.pdf", 1)
	require.NoError(t, err)
	two, err := multipart.New(nil, "a.pdf", 1)
	require.NoError(t, err)
	assert.NotEqual(t, one.ContentType(), two.ContentType())
	assert.Equal(t, one.Size(), two.Size())
}

func FuzzForm(f *testing.F) {
	f.Add("key", "value", "input.pdf", []byte("data"))
	f.Add(`a"b`, "line\r\nline", `c:\"x".pdf`, []byte("\r\n--"))
	f.Add("%22", "", "日本語.pdf", []byte{})
	f.Add("a\r\nb", "\x00", "\xff", []byte{0})
	f.Fuzz(func(t *testing.T, name, value, filename string, file []byte) {
		form, err := multipart.New([]multipart.Field{{Name: name, Value: value}}, filename, int64(len(file)))
		if !sendable(name) || !sendable(filename) || strings.EqualFold(name, "file") {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		assert.Equal(t, []part{
			{header: `form-data; name="` + strings.ReplaceAll(name, `"`, "%22") + `"`, content: value},
			{
				header:  `form-data; name="file"; filename="` + strings.ReplaceAll(filename, `"`, "%22") + `"`,
				content: string(file), typ: "application/octet-stream",
			},
		}, parse(t, form, string(file)))
	})
}

// parse sends the form with a file, and returns the parts that a server reads.
func parse(t *testing.T, form *multipart.Form, file string) []part {
	t.Helper()
	sent, err := io.ReadAll(form.Body(strings.NewReader(file)))
	require.NoError(t, err)
	require.Len(t, sent, int(form.Size()))

	mediaType, params, err := mime.ParseMediaType(form.ContentType())
	require.NoError(t, err)
	require.Equal(t, "multipart/form-data", mediaType)

	var parts []part
	reader := stdmultipart.NewReader(strings.NewReader(string(sent)), params["boundary"])
	for {
		p, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		require.NoError(t, err)
		content, err := io.ReadAll(p)
		require.NoError(t, err)
		require.NotEmpty(t, p.FormName(), "the header can be parsed")
		parts = append(parts, part{
			header:  p.Header.Get("Content-Disposition"),
			content: string(content),
			typ:     p.Header.Get("Content-Type"),
		})
	}
}
