package safefile

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestName(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		// Safe names are kept.
		"report.pdf":            "report.pdf",
		"Übung – 日本語 🎉.tar.gz":  "Übung – 日本語 🎉.tar.gz",
		"e\u0301te\u0301.txt":   "e\u0301te\u0301.txt",
		"a b (1) [x] {y} #'.c~": "a b (1) [x] {y} #'.c~",
		"می\u200cخواهم.pdf":     "می\u200cخواهم.pdf",
		"no extension":          "no extension",
		"file":                  "file",

		// Directories are removed.
		"/etc/passwd":                "passwd",
		"../../../etc/cron.d/x":      "x",
		`..\..\Windows\system.ini`:   "system.ini",
		`C:\Users\me\a.txt`:          "a.txt",
		`C:a.txt`:                    "C_a.txt",
		`\\server\share\a.txt`:       "a.txt",
		`a/b\c`:                      "c",
		"dir/":                       "dir",
		"a/..":                       "file",
		"file:///etc/passwd":         "passwd",
		"\uff0e\uff0e\uff0fetc":      "\uff0e\uff0e\uff0fetc",
		"..%2f..%2fetc":              "%2f..%2fetc",
		"https://example.com/a?b=c#": "a_b=c#",

		// Nothing remains.
		"":                   "file",
		".":                  "file",
		"..":                 "file",
		"...":                "file",
		" . . ":              "file",
		"/":                  "file",
		`\/\`:                "file",
		"\u202e":             "file",
		"\u00a0\u3000\u2003": "file",

		// Characters.
		`a<b>c:d"e|f?g*h`:            "a_b_c_d_e_f_g_h",
		"a\x00b\nc\td\x7fe\u0085f":   "a_b_c_d_e_f",
		"a\u2028b\u2029c":            "a_b_c",
		"a\xff\xfeb\xc3.txt":         "a_b_.txt",
		"\xed\xa0\x80":               "_",
		"photo\u202egnp.exe":         "photognp.exe",
		"\u2066a\u2069\u200f\u061cb": "ab",
		"a.txt::$DATA":               "a.txt__$DATA",

		// Dots and spaces.
		".bashrc":            "bashrc",
		"..hidden..":         "hidden",
		" a.txt ":            "a.txt",
		"a.txt. . .":         "a.txt",
		".\u202e.a":          "a",
		"\u00a0a.txt\u3000":  "a.txt",
		"a .txt":             "a .txt",
		"a..b":               "a..b",
		"\u202e.\u202e.evil": "evil",

		// Devices.
		"con":           "_con",
		"CON":           "_CON",
		"con.txt":       "_con.txt",
		"Con.tar.gz":    "_Con.tar.gz",
		"con .txt":      "_con .txt",
		"con.":          "_con",
		"prn.a":         "_prn.a",
		"aux":           "_aux",
		"nul.pdf":       "_nul.pdf",
		"com1":          "_com1",
		"COM9.log":      "_COM9.log",
		"lpt1.x":        "_lpt1.x",
		"LPT9":          "_LPT9",
		"com¹":          "_com¹",
		"COM².txt":      "_COM².txt",
		"lpt³":          "_lpt³",
		"conin$":        "_conin$",
		"CONOUT$.txt":   "_CONOUT$.txt",
		"\u202econ.txt": "_con.txt",
		"_con.txt":      "_con.txt",
		"console.txt":   "console.txt",
		"com10":         "com10",
		"com":           "com",
		"1":             "1",
		"a.con":         "a.con",
	}
	for untrusted, want := range tests {
		t.Run(untrusted, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, want, Name(untrusted))
			assert.True(t, isSafe(want))
		})
	}
}

func TestLongNames(t *testing.T) {
	t.Parallel()
	const limit = 242
	long := func(text string) string { return strings.Repeat(text, 300) }
	tests := map[string]struct{ untrusted, want string }{
		"at the limit":          {long("a")[:limit-4] + ".pdf", long("a")[:limit-4] + ".pdf"},
		"the extension stays":   {long("a") + ".pdf", long("a")[:limit-4] + ".pdf"},
		"both extensions stay":  {long("a") + ".Tar.gz", long("a")[:limit-7] + ".Tar.gz"},
		"no extension":          {long("a"), long("a")[:limit]},
		"no real extension":     {"a." + long("b"), ("a." + long("b"))[:limit]},
		"two bytes each":        {long("ü") + ".pdf", long("ü")[:limit-4] + ".pdf"},
		"three bytes each":      {long("語") + ".pdf", long("語")[:237] + ".pdf"},
		"four bytes each":       {long("🎉") + ".pdf", long("🎉")[:236] + ".pdf"},
		"no dots before it":     {"a" + long(".") + "b.pdf", "a.pdf"},
		"a device behind blank": {"con" + long(" ") + "b.pdf", "_con.pdf"},
		"a device at length":    {"con." + long("b"), ("_con." + long("b"))[:limit]},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Name(test.untrusted)
			assert.Equal(t, test.want, got)
			assert.True(t, isSafe(got))
			assert.Equal(t, got, Name(got))
		})
	}
}

func TestDir(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                 "",
		".":                "",
		"..":               "",
		"/":                "",
		`../..\..`:         "",
		"a":                "a",
		"a/b/c":            "a/b/c",
		`a\b\c`:            "a/b/c",
		"/a//b/":           "a/b",
		"../a/./../b":      "a/b",
		`C:\Users\con\x`:   "C_/Users/_con/x",
		`\\server\share`:   "server/share",
		"a/ . /b":          "a/b",
		".git/hooks":       "git/hooks",
		"a/b\x00c/\u202ed": "a/b_c/d",

		// Nested too deeply.
		strings.Repeat("/ab", 999):                       "ab" + strings.Repeat("/ab", 31),
		strings.Repeat("/"+strings.Repeat("x", 200), 20): strings.Repeat("x", 200) + strings.Repeat("/"+strings.Repeat("x", 200), 4),
	}
	for untrusted, want := range tests {
		t.Run(untrusted, func(t *testing.T) {
			t.Parallel()
			got := Dir(untrusted)
			assert.Equal(t, want, got)
			assert.Equal(t, got, Dir(got))
		})
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{"", "..", "a/b.pdf", `C:\con .txt`, "\xff\u202e.", strings.Repeat("語", 99) + ".tar.gz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, untrusted string) {
		name := Name(untrusted)
		assert.True(t, isSafe(name), "%q", name)
		assert.Equal(t, name, Name(name))

		dir := Dir(untrusted)
		assert.Equal(t, dir, Dir(dir))
		if dir != "" {
			assert.True(t, filepath.IsLocal(dir))
			assert.Equal(t, dir, path.Clean(dir))
			for part := range strings.SplitSeq(dir, "/") {
				assert.True(t, isSafe(part), "%q in %q", part, dir)
			}
		}
	})
}

var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[1-9¹²³]) *(\.|$)`)

// isSafe reports whether a name is safe. It does not depend on how Name works.
func isSafe(name string) bool {
	return filepath.IsLocal(name) &&
		filepath.Base(name) == name && path.Base(name) == name &&
		name != "." && name != ".." &&
		utf8.ValidString(name) &&
		!strings.ContainsAny(name, `/\<>:"|?*`) &&
		!strings.ContainsFunc(name, unicode.IsControl) &&
		!strings.ContainsAny(name, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") &&
		strings.Trim(name, ". ") == name &&
		!device.MatchString(name) &&
		len(name+" (1000000000)") <= 255
}
