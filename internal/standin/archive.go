package standin

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"time"
)

// note is the name of the file in an archive.
const note = "made-by-the-sandbox.txt"

// entry is a file in a zip.
type entry struct{ name, content string }

// entryTime is the time of all files in archives: the earliest that a zip can have.
func entryTime() time.Time { return time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC) }

func zipFile(about string) []byte { return zipped(entry{note, string(textFile(about))}) }

// zipped makes a zip. Its comment is Mark. The first entry named mimetype is not
// compressed, as ODF and EPUB require.
func zipped(entries ...entry) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	// A Buffer has no errors.
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.name == "mimetype" {
			sum := checksum([]byte(e.content))
			size := uint64(len(e.content))
			// Raw, since a mimetype must have neither extra fields nor a data descriptor.
			header = &zip.FileHeader{Name: e.name, Method: zip.Store, CRC32: sum, CompressedSize64: size, UncompressedSize64: size}
			w, _ := z.CreateRaw(header)
			_, _ = w.Write([]byte(e.content))
			continue
		}
		w, _ := z.CreateHeader(header)
		_, _ = w.Write([]byte(e.content))
	}
	_ = z.SetComment(Mark)
	_ = z.Close()
	return out.Bytes()
}

func tarFile(about string) []byte {
	content := textFile(about)
	var out bytes.Buffer
	t := tar.NewWriter(&out)
	_ = t.WriteHeader(&tar.Header{Name: note, Typeflag: tar.TypeReg, Size: int64(len(content)), Mode: 0o644, ModTime: entryTime()})
	_, _ = t.Write(content)
	_ = t.Close()
	return out.Bytes()
}

func tarGzFile(about string) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(tarFile(about))
	_ = z.Close()
	return out.Bytes()
}

// rarFile makes an archive of the version 4 of the format, without compression.
func rarFile(about string) []byte {
	content := textFile(about)
	const (
		archiveHeader = 0x73
		fileHeader    = 0x74
		end           = 0x7b
		hasData       = 0x8000
		unix          = 3
		version       = 20
		stored        = 0x30
		earliest      = 1<<21 | 1<<16 // 1980-01-01 as DOS writes it
		regular       = 0o100644
	)
	size := length(len(content))
	file := packed(binary.LittleEndian, size, size, uint8(unix), checksum(content), uint32(earliest), uint8(version),
		uint8(stored), uint16(len(note)), uint32(regular), []byte(note))
	return bytes.Join([][]byte{
		[]byte("Rar!\x1a\x07\x00"),
		rarBlock(archiveHeader, 0, make([]byte, 6)),
		rarBlock(fileHeader, hasData, file), content,
		rarBlock(end, 0x4000, nil),
	}, nil)
}

// rarBlock returns a header with its checksum.
func rarBlock(kind uint8, flags uint16, fields []byte) []byte {
	const own = 7
	body := packed(binary.LittleEndian, kind, flags, uint16(length(own+len(fields))&0xffff), fields)
	return packed(binary.LittleEndian, uint16(checksum(body)&0xffff), body)
}
