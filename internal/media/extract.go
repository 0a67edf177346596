package media

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// CanExtract reports whether [Extract] reads the format: zip, tar and tar.gz.
func CanExtract(format string) bool { return CanArchive(format) }

// Extract calls file for each regular file of an archive, in the order of the archive.
// dir is the slash-separated directory of the file, empty at the top, and name its last
// element. Both are safe to join to a directory. Absolute paths, drive letters and
// backslashes are cleaned. Entries with "..", links and devices are skipped. r is valid
// until file returns. Two entries may have the same name.
//
// Extract returns the first error of file. The error matches [ErrOpen] for an archive
// that is damaged or of another format, and for one that unpacks to too many files or
// bytes. file was called for the entries before the error.
func Extract(ctx context.Context, r *os.File, format string, file func(dir, name string, r io.Reader) error) error {
	info, err := r.Stat()
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	bounds := extractLimits{entries: 10_000, bytes: 1 << 30}
	return extract(ctx, r, info.Size(), Normalize(format), bounds, file)
}

// extractLimits bound what an archive may unpack to.
type extractLimits struct {
	entries int
	bytes   int64
}

// extractor unpacks an archive.
type extractor struct {
	ctx     context.Context
	format  string
	limits  extractLimits
	entries int   // read until now
	left    int64 // bytes that may still come out of files
	file    func(dir, name string, r io.Reader) error
}

func extract(
	ctx context.Context, r io.ReaderAt, size int64, format string, limits extractLimits,
	file func(dir, name string, r io.Reader) error,
) error {
	x := &extractor{ctx: ctx, format: format, limits: limits, left: limits.bytes, file: file}
	whole := io.NewSectionReader(r, 0, size)
	if err := x.checkHead(whole); err != nil {
		return err
	}
	switch format {
	case "zip":
		return x.zip(r, size)
	case "tar":
		return x.tar(whole)
	case "tar.gz":
		return x.tarGz(whole)
	}
	return nil
}

// checkHead returns an error if the first bytes of an archive are not those of the
// format.
func (x *extractor) checkHead(whole *io.SectionReader) error {
	head := make([]byte, min(sniffLen, whole.Size()))
	if _, err := whole.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the archive: %w", err)
	}
	found := sniff(head)
	switch {
	case !CanExtract(x.format):
		return fmt.Errorf("%w: reading %q archives", ErrUnsupported, x.format)
	case x.format == "tar.gz" && found == "gz", x.format != "tar.gz" && found == "" && len(head) > 0:
		return nil // an old tar, or a zip behind a program; its reader returns an error if not
	}
	return checkContent(head, x.format)
}

func (x *extractor) zip(r io.ReaderAt, size int64) error {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return openError(x.format, err)
	}
	for _, entry := range z.File {
		if err := x.zipEntry(entry); err != nil {
			return err
		}
	}
	return nil
}

func (x *extractor) zipEntry(entry *zip.File) (err error) {
	const encrypted = 1
	dir, name, ok := safePath(entry.Name)
	switch {
	case entry.Flags&encrypted != 0:
		return openError(x.format, errors.New("it is encrypted"))
	case !ok || !entry.Mode().IsRegular():
		return x.count()
	}
	content, err := entry.Open()
	if err != nil {
		return openError(x.format, err)
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	return x.found(dir, name, content)
}

func (x *extractor) tarGz(r io.Reader) error {
	uncompressed, err := gzip.NewReader(r)
	if err != nil {
		return openError(x.format, err)
	}
	// Skipped entries are decompressed too: bound the whole stream, with room for the
	// headers.
	const header = 4 << 10
	left := x.limits.bytes + int64(x.limits.entries)*header
	bounded := &boundedReader{x: x, r: uncompressed, left: &left}
	if err := x.tar(bounded); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, bounded) // to check the checksum
	return err
}

func (x *extractor) tar(r io.Reader) error {
	t := tar.NewReader(contextReader{x.ctx, r})
	for {
		header, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return x.readError(err)
		}
		dir, name, ok := safePath(header.Name)
		regular := header.Typeflag == tar.TypeReg || header.Typeflag == tar.TypeGNUSparse
		if !ok || !regular {
			err = x.count()
		} else {
			err = x.found(dir, name, t)
		}
		if err != nil {
			return err
		}
	}
}

func (x *extractor) found(dir, name string, content io.Reader) error {
	if err := x.count(); err != nil {
		return err
	}
	return x.file(dir, name, &boundedReader{x: x, r: content, left: &x.left})
}

func (x *extractor) count() error {
	x.entries++
	if x.entries > x.limits.entries {
		return openError(x.format, fmt.Errorf("it has more than %d entries", x.limits.entries))
	}
	return x.ctx.Err()
}

// readError wraps an error of the archive, but not that of the context.
func (x *extractor) readError(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, ErrOpen) || x.ctx.Err() != nil {
		return err
	}
	return openError(x.format, err)
}

// boundedReader returns an error when there are no bytes left to unpack.
type boundedReader struct {
	x    *extractor
	r    io.Reader
	left *int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if err := b.x.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	*b.left -= int64(n)
	if *b.left < 0 {
		return 0, openError(b.x.format, fmt.Errorf("it unpacks to more than %d bytes", b.x.limits.bytes))
	}
	return n, b.x.readError(err)
}
