package engines

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
)

// The limits of an archive that is unpacked.
const (
	maxUnpacked = 1 << 30
	maxEntries  = 10_000
)

// archiver packs and unpacks archives that the server does not, with 7-Zip, and rar for
// its format.
type archiver struct {
	*program

	rar *program // may be nil
}

// findArchiver returns nil if 7-Zip is not installed.
func (k *kit) findArchiver() *archiver {
	p := k.tool("i", "7zz", "7z", "7za")
	if p == nil {
		return nil
	}
	return &archiver{p, k.tool("-iver", "rar")}
}

func (a *archiver) engine() Engine {
	return Engine{
		Name: "archivetool", Path: a.path, version: a.readVersion,
		Conversions: []Conversion{
			{From: []string{"7z", "tar.bz2"}, To: append([]string{"*"}, packed...)},
			{From: []string{"zip", "tar", "tar.gz"}, To: []string{"7z", "tar.bz2"}},
		},
		convert:    a.convert,
		operations: map[string]operation{"archive": {to: a.outputs(), task: a.archive}},
	}
}

// outputs are the formats that archive makes. The server makes others.
func (a *archiver) outputs() []string {
	if a.rar == nil {
		return []string{"7z", "tar.bz2"}
	}
	return []string{"7z", "rar", "tar.bz2"}
}

// archive packs all input files.
func (a *archiver) archive(ctx context.Context, run *cloudconverttest.Run) error {
	if !slices.Contains(a.outputs(), run.OutputFormat) {
		return cloudconverttest.ErrUnsupported
	}
	dir, err := run.Dir()
	if err != nil {
		return err
	}
	files := filepath.Join(dir, "files")
	for i, in := range run.Inputs {
		if err := copyInto(files, in, i); err != nil {
			return err
		}
	}
	return a.pack(ctx, run, dir, run.OutputFormat, run.OutputName(run.Input()))
}

// copyInto copies an input to a directory, under its name. If that is taken, its number
// precedes it.
func copyInto(dir string, in cloudconverttest.Input, number int) error {
	folder := filepath.Join(dir, filepath.FromSlash(in.Dir))
	name := filepath.Base(in.Name)
	if !filepath.IsLocal(filepath.Join(in.Dir, name)) || name == "." {
		folder, name = dir, "file"
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	err := copyFile(in.Path, filepath.Join(folder, name))
	if errors.Is(err, fs.ErrExist) {
		return copyFile(in.Path, filepath.Join(folder, fmt.Sprintf("%d-%s", number+1, name)))
	}
	return err
}

// pack adds an archive of the directory files in dir to the result.
func (a *archiver) pack(ctx context.Context, run *cloudconverttest.Run, dir, format, name string) error {
	files := filepath.Join(dir, "files")
	out := filepath.Join(dir, "out."+format)
	pack := func(kind, out string) error {
		return a.run(ctx, execution{dir: files, args: []string{"a", "-bd", "-y", "-t" + kind, out, "--", "."}})
	}
	var err error
	switch compression := map[string]string{"tar.gz": "gzip", "tar.bz2": "bzip2"}[format]; {
	case compression != "":
		inner := filepath.Join(dir, "out.tar")
		if err = pack("tar", inner); err == nil {
			err = a.run(ctx, execution{dir: dir, args: []string{"a", "-bd", "-y", "-t" + compression, out, inner}})
		}
	case format == "rar":
		err = a.rar.run(ctx, execution{dir: files, args: []string{"a", "-r", "-idq", out, "--", "."}})
	default:
		err = pack(format, out)
	}
	if err != nil {
		return err
	}
	return run.AddFile(name, out)
}

// packed are the formats of archives that a conversion makes. A format that is not one of
// archives means to unpack.
var packed = []string{"7z", "tar", "tar.bz2", "tar.gz", "zip"}

// convert unpacks an archive, or packs its files in another format.
func (a *archiver) convert(ctx context.Context, w work) error {
	packs := slices.Contains(packed, w.run.OutputFormat)
	if !packs && catalog.Converts(w.in.Format, w.run.OutputFormat) {
		return cloudconverttest.ErrUnsupported
	}
	dir, err := w.run.Dir()
	if err != nil {
		return err
	}
	files := filepath.Join(dir, "files")
	if err := a.unpack(ctx, w, dir, files); err != nil {
		return err
	}
	if packs {
		return a.pack(ctx, w.run, dir, w.run.OutputFormat, w.name())
	}
	return addTree(w.run, files)
}

// unpack unpacks the input to a directory.
func (a *archiver) unpack(ctx context.Context, w work, dir, files string) error {
	in := filepath.Join(dir, "in."+w.in.Format)
	if err := copyFile(w.in.Path, in); err != nil {
		return err
	}
	if strings.HasPrefix(w.in.Format, "tar.") {
		// The archive holds one file: the tar.
		if err := a.extract(ctx, w, dir, in, dir); err != nil {
			return err
		}
		in = filepath.Join(dir, "in.tar")
	}
	return a.extract(ctx, w, dir, in, files)
}

var unpackedSize = regexp.MustCompile(`(?m)^Size = (\d+)\r?$`)

// extract unpacks an archive if the sizes that it lists are within the limits.
func (a *archiver) extract(ctx context.Context, w work, dir, archive, to string) error {
	out := &bounded{limit: 8 << 20}
	err := a.run(ctx, execution{dir: dir, stdout: out, args: []string{"l", "-slt", "-ba", archive}})
	if err == nil {
		var total int64
		sizes := unpackedSize.FindAllSubmatch(out.buffer, -1)
		for _, size := range sizes {
			n, err := strconv.ParseInt(string(size[1]), 10, 64)
			if err != nil {
				return openFailed(w.in, "it is too large")
			}
			total = min(total+n, maxUnpacked+1)
		}
		if total > maxUnpacked || len(sizes) > maxEntries {
			return openFailed(w.in, "it is too large")
		}
		err = a.run(ctx, execution{dir: dir, args: []string{"x", "-bd", "-y", "-p", "-o" + to, archive}})
	}
	if errors.Is(err, errExit) {
		return openFailed(w.in, "it is not an archive, or it is damaged or protected")
	}
	return err
}
