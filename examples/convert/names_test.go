package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDestinations(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.png": "a.pdf", "a.b.png": "a.b.pdf", "a.tar.gz": "a.pdf", "A.TAR.GZ": "A.pdf", "README": "README.pdf",
		".profile": ".profile.pdf", "trailing.": "trailing..pdf", "f.a b": "f.a b.pdf",
	} {
		s := &settings{to: "pdf"}
		assert.Equal(t, want, s.destinationOf(name, ""))
		s.dir = "out"
		assert.Equal(t, filepath.Join("out", "sub", want), s.destinationOf(name, "sub"))
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://example.com/in/a%20b.png":   "a b.pdf",
		"HTTPS://example.com/a.png?key=1":    "a.pdf",
		"https://example.com/?x=1":           "file.pdf",
		"https://example.com":                "file.pdf",
		"http://example.com/..":              "file.pdf",
		"https://example.com/%2e%2e%2fa.png": "a.pdf",
		"https://example.com/%zz":            "file.pdf",
	} {
		plan := planned(t, "", "-to", "pdf", address)
		require.Len(t, plan.files, 1, address)
		assert.Equal(t, want, plan.files[0].destination, address)
		assert.NotContains(t, plan.files[0].name, "key=1")
	}
}

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.png": "png", "a.JPEG": "jpg", "a.tif": "tiff", "a.htm": "html", "a.tar.gz": "tar.gz", "dir.d/a": "", "a": "", "a.": "",
		".profile": "", "a.b c": "", "dir/.profile": "", "out/": "", "a.7z": "7z",
	} {
		assert.Equal(t, want, formatOf(filepath.FromSlash(name)), name)
	}
}
