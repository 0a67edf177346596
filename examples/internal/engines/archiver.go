package engines

import (
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
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
		return a.run(ctx, execution{dir: dir, workIn: files, args: []string{"a", "-bd", "-y", "-t" + kind, out, "--", "."}})
	}
	var err error
	switch compression := map[string]string{"tar.gz": "gzip", "tar.bz2": "bzip2"}[format]; {
	case compression != "":
		inner := filepath.Join(dir, "out.tar")
		if err = pack("tar", inner); err == nil {
			err = a.run(ctx, execution{dir: dir, args: []string{"a", "-bd", "-y", "-t" + compression, out, inner}})
		}
	case format == "rar":
		err = a.rar.run(ctx, execution{dir: dir, workIn: files, args: []string{"a", "-r", "-idq", out, "--", "."}})
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

// unpack unpacks the regular files of the input to a directory.
func (a *archiver) unpack(ctx context.Context, w work, dir, files string) error {
	if err := os.Mkdir(files, 0o700); err != nil {
		return err
	}
	in, format := w.in.Path, w.in.Format
	if strings.HasPrefix(format, "tar.") {
		in, format = filepath.Join(dir, "in.tar"), "tar"
		if err := a.decompress(ctx, w.in, in, maxUnpacked); err != nil {
			return err
		}
	}
	if err := a.extract(ctx, w, dir, in, format, files); err != nil {
		return err
	}
	return removeLinks(files)
}

// removeLinks removes all but regular files: the target of a link can be a path of this
// machine.
func removeLinks(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	err = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Type().IsRegular() {
			return err
		}
		return root.Remove(path)
	})
	return errors.Join(err, root.Close())
}

// decompress writes the tar of a tar.gz or tar.bz2 to a file, up to a limit. 7-Zip cannot
// list its size.
func (a *archiver) decompress(ctx context.Context, in cloudconverttest.Input, to string, limit int64) error {
	release, err := a.kit.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	from, err := os.Open(in.Path)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	tar := bzip2.NewReader(from)
	if in.Format == "tar.gz" {
		tar, err = gzip.NewReader(from)
	}
	const step = 1 << 20
	for total := int64(0); err == nil; total += step {
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case total > limit:
			err = openFailed(in, "it is too large")
		default:
			_, err = io.CopyN(out, tar, step)
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		err = nil
	case isDamage(err):
		err = openFailed(in, damagedArchive)
	}
	return errors.Join(err, out.Close(), from.Close())
}

// isDamage reports whether an error of a decompressor is for its input.
func isDamage(err error) bool {
	_, structural := errors.AsType[bzip2.StructuralError](err)
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return structural || corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) ||
		errors.Is(err, io.ErrUnexpectedEOF)
}

const damagedArchive = "it is not an archive, or it is damaged or protected"

var unpackedSize = regexp.MustCompile(`(?m)^Size = (\d+)\r?$`)

// extract unpacks an archive if the sizes that it lists are within the limits.
func (a *archiver) extract(ctx context.Context, w work, dir, archive, format, to string) error {
	out := &bounded{limit: 8 << 20}
	err := a.run(ctx, execution{dir: dir, inputs: []string{archive}, stdout: out, args: []string{"l", "-slt", "-ba", "-t" + format, archive}})
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
		err = a.run(ctx, execution{dir: dir, inputs: []string{archive}, args: []string{"x", "-bd", "-y", "-p", "-o" + to, "-t" + format, archive}})
	}
	if errors.Is(err, errExit) {
		return openFailed(w.in, damagedArchive)
	}
	return err
}
