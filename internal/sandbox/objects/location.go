package objects

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// parameters are the parameters of a service that name objects.
type parameters struct{ bucket, key, prefix string }

var services = map[string]parameters{
	"azure/blob":           {"container", "blob", "blob_prefix"},
	"google-cloud-storage": {"bucket", "file", "file_prefix"},
	"openstack":            {"container", "file", "file_prefix"},
	"s3":                   {"bucket", "key", "key_prefix"},
	"sftp":                 {"host", "file", "path"},
}

// Location is where a task reads or writes objects: one with a key, or those with a
// prefix.
type Location struct {
	service, bucket, key, prefix string

	names parameters
}

// Locate returns the location in the parameters of an import or export.
func Locate(operation string, text func(parameter string) string) Location {
	_, service, _ := strings.Cut(operation, "/")
	p := services[service]
	l := Location{service, text(p.bucket), text(p.key), text(p.prefix), p}
	if service == "sftp" {
		l.key, l.prefix = rooted(l.key), directory(l.prefix)
	}
	return l
}

// rooted returns a path of an SFTP server as a key: the home directory is the root.
func rooted(p string) string { return cmp.Or(strings.TrimLeft(p, "/"), p) }

// directory returns the prefix of all files in a directory of an SFTP server.
func directory(p string) string {
	p = strings.Trim(p, "/")
	if p == "" || p == "." {
		return ""
	}
	return p + "/"
}

// notFound returns the error of a location without an object.
func (l Location) notFound() error {
	if l.key != "" {
		return fmt.Errorf("%w: %s %q in %s %q", ErrNotFound, l.names.key, l.key, l.names.bucket, l.bucket)
	}
	return fmt.Errorf("%w: %s %q in %s %q", ErrNotFound, l.names.prefix, l.prefix, l.names.bucket, l.bucket)
}

// keysOf returns the keys under which files are exported: the key with the number of the
// file, or the prefix and the name of the file.
func (l Location) keysOf(files []storage.File) ([]string, error) {
	keys := make([]string, len(files))
	seen := make(map[string]bool, len(files))
	for i, f := range files {
		keys[i] = l.prefix + path.Join(f.Dir, f.Name)
		if l.key != "" {
			keys[i] = names.Numbered(l.key, i+1, 1)
		}
		switch {
		case keys[i] == "" || strings.HasSuffix(keys[i], "/"):
			return nil, fmt.Errorf("%s %q names a folder: add a file name, or use %s", l.names.key, keys[i], l.names.prefix)
		case seen[keys[i]]:
			return nil, fmt.Errorf("several files for %s %q: add a placeholder such as %%d, or use %s",
				l.names.key, keys[i], l.names.prefix)
		}
		seen[keys[i]] = true
	}
	return keys, nil
}
