package cloudconvert_test

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestConvertFile(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	for _, c := range []struct{ name, src, dst string }{
		{"plain", "a.txt", "a.pdf"},
		{"another name", "a.txt", "b.c.pdf"},
		{"other directories", "in/a.txt", "out/b.pdf"},
		{"upper case", "A.TXT", "A.PDF"},
		{"spaces", "my  text .txt", " my pdf .pdf"},
		{"letters of all kinds", "Ünïcode – 日本.txt", "émoji 🎉.pdf"},
		{"no stem in sight", "..txt", "-.pdf"},
		{"long names", strings.Repeat("a", 251) + ".txt", strings.Repeat("ü", 125) + ".pdf"},
		{"signs", "a%20b?c#d&e.txt", `a"b<c>d|e*.pdf`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src := writeFile(t, filepath.Join(dir, c.src), c.name)
			dst := filepath.Join(dir, c.dst)
			require.NoError(t, os.MkdirAll(filepath.Dir(dst), 0o700))
			for _, limit := range []int64{0, 1000} {
				job, err := server.Client().ConvertFile(t.Context(), src, dst, cloudconvert.WithInlineLimit(limit), cloudconvert.WithOverwrite())
				require.NoError(t, err)
				assert.Equal(t, cloudconvert.StatusFinished, job.Status)
				assert.Equal(t, "pdf: "+c.name, readFile(t, dst))
			}
			assert.Empty(t, strays(t, dir, c.src, c.dst), "nothing else is left")
		})
	}
}

// strays returns the files below a directory that are not among the expected.
func strays(t *testing.T, dir string, expected ...string) []string {
	t.Helper()
	return slices.DeleteFunc(listed(t, dir), func(name string) bool {
		info, err := os.Lstat(filepath.Join(dir, name))
		return err == nil && info.IsDir() || slices.Contains(expected, name)
	})
}

func TestConvertFilePicture(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	_, err := server.Client().ConvertFile(t.Context(), "testdata/photo.png", filepath.Join(dir, "photo.JPEG"))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(readFile(t, filepath.Join(dir, "photo.JPEG")), "\xff\xd8\xff"))
}

func TestConvertFileArchiveFormats(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	server.HandleConvert("tar.gz", "zip", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("a.zip", []byte(run.Input().Format))
	})
	for _, name := range []string{"a.tar.gz", "a.TAR.GZ", "a.b.tar.gz"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src := writeFile(t, filepath.Join(dir, name), "x")
			_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.zip"))
			require.NoError(t, err)
			assert.Equal(t, "tar.gz", readFile(t, filepath.Join(dir, "a.zip")))
		})
	}
}

func TestConvertFileOfAddress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := newSandbox(t)
	remote := writeFile(t, filepath.Join(dir, "remote.txt"), "remote")
	for _, address := range []string{"https://example.com/remote.txt", "http://example.com/remote.txt", "HTTPS://example.com/remote.txt"} {
		server.HandleURL(address, remote)
		dst := filepath.Join(dir, strings.ReplaceAll(address, "/", "_")+".pdf")
		_, err := server.Client().ConvertFile(t.Context(), address, dst)
		require.NoError(t, err)
		assert.Equal(t, "pdf: remote", readFile(t, dst))
	}
}

// Whatever is wrong is found out before a job is created.
func TestConvertFileRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src, dst string // below the directory
		opts     []cloudconvert.ConvertOption
		is       error
		want     string
	}{
		"no format":          {src: "a.txt", dst: "b", is: cloudconvert.ErrInvalid, want: "the destination"},
		"no format to read":  {src: "a.txt", dst: "b.c d", is: cloudconvert.ErrInvalid, want: "the destination"},
		"dot file":           {src: "a.txt", dst: ".pdf", is: cloudconvert.ErrInvalid, want: "the destination"},
		"path of directory":  {src: "a.txt", dst: "b.pdf/", is: cloudconvert.ErrInvalid, want: "the destination"},
		"directory":          {src: "a.txt", dst: "dir.pdf", is: cloudconvert.ErrInvalid, want: "is a directory: name a file"},
		"link to directory":  {src: "a.txt", dst: "dirlink.pdf", is: cloudconvert.ErrInvalid, want: "is a directory: name a file"},
		"existing":           {src: "a.txt", dst: "there.pdf", is: fs.ErrExist, want: "use WithOverwrite"},
		"link to existing":   {src: "a.txt", dst: "link.pdf", is: fs.ErrExist, want: "use WithOverwrite"},
		"link to nothing":    {src: "a.txt", dst: "dangling.pdf", is: fs.ErrExist, want: "use WithOverwrite"},
		"existing archive":   {src: "a.txt", dst: "zipped.page", opts: []cloudconvert.ConvertOption{cloudconvert.WithArchive()}, is: fs.ErrExist, want: "zipped.zip"},
		"itself":             {src: "a.txt", dst: "a.txt", is: fs.ErrExist, want: "use WithOverwrite"},
		"no such directory":  {src: "a.txt", dst: "nowhere/b.pdf", is: fs.ErrNotExist, want: "cannot be written"},
		"file as directory":  {src: "a.txt", dst: "a.txt/b.pdf", want: "cannot be written"},
		"no such source":     {src: "missing.txt", dst: "b.pdf", is: fs.ErrNotExist, want: "missing.txt"},
		"source a directory": {src: "dir.pdf", dst: "b.pdf", is: cloudconvert.ErrInvalid, want: "is a directory"},
		"source of no format": {
			src: "README", dst: "b.pdf", is: cloudconvert.ErrInvalid,
			want: "for its name has no extension that tells it: use WithInputFormat",
		},
		"batch":               {src: "a.txt", dst: "b.pdf", opts: []cloudconvert.ConvertOption{cloudconvert.WithJournal("j")}, is: cloudconvert.ErrInvalid, want: "ConvertFile has no use for WithJournal"},
		"directory as option": {src: "a.txt", dst: "b.pdf", opts: []cloudconvert.ConvertOption{cloudconvert.WithOutputDir("out")}, is: cloudconvert.ErrInvalid, want: "ConvertFile has no use for WithOutputDir"},
		"option":              {src: "a.txt", dst: "b.pdf", opts: []cloudconvert.ConvertOption{cloudconvert.WithInlineLimit(-1)}, is: cloudconvert.ErrInvalid, want: "WithInlineLimit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, file := range []string{"a.txt", "there.pdf", "zipped.zip", "README"} {
				writeFile(t, filepath.Join(dir, file), "untouched")
			}
			require.NoError(t, os.Mkdir(filepath.Join(dir, "dir.pdf"), 0o700))
			for link, target := range map[string]string{"link.pdf": "there.pdf", "dangling.pdf": "nothing", "dirlink.pdf": "dir.pdf"} {
				require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
			}
			before := listed(t, dir)
			server := newSandbox(t)
			job, err := server.Client().ConvertFile(t.Context(), filepath.Join(dir, c.src), dir+"/"+c.dst, c.opts...)
			require.ErrorContains(t, err, c.want)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			assert.Nil(t, job)
			assert.Equal(t, noRequests, outline(server))
			assert.Equal(t, before, listed(t, dir))
			assert.Equal(t, "untouched", readFile(t, filepath.Join(dir, "there.pdf")))
		})
	}
}

func TestConvertFileIntoWriteProtectedDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("nothing is protected from root")
	}
	dir := filepath.Join(t.TempDir(), "protected")
	require.NoError(t, os.Mkdir(dir, 0o500))
	server := newSandbox(t)
	src := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "x")
	_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"))
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Empty(t, server.Requests())
}

func TestConvertFileOverwrites(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	server.HandleConvert("txt", "txt", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("a.txt", []byte("new"))
	})
	t.Run("a file", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		src, dst := writeFile(t, filepath.Join(dir, "a.txt"), "text"), writeFile(t, filepath.Join(dir, "a.pdf"), "old")
		_, err := server.Client().ConvertFile(t.Context(), src, dst, cloudconvert.WithOverwrite())
		require.NoError(t, err)
		assert.Equal(t, "pdf: text", readFile(t, dst))
	})
	t.Run("itself", func(t *testing.T) {
		t.Parallel()
		src := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
		_, err := server.Client().ConvertFile(t.Context(), src, src, cloudconvert.WithOverwrite())
		require.NoError(t, err)
		assert.Equal(t, "new", readFile(t, src))
	})
	t.Run("a link, not what it leads to", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		src, target := writeFile(t, filepath.Join(dir, "a.txt"), "text"), writeFile(t, filepath.Join(dir, "target"), "old")
		require.NoError(t, os.Symlink("target", filepath.Join(dir, "a.pdf")))
		_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), cloudconvert.WithOverwrite())
		require.NoError(t, err)
		assert.Equal(t, "pdf: text", readFile(t, filepath.Join(dir, "a.pdf")))
		assert.Equal(t, "old", readFile(t, target))
	})
	t.Run("not when it fails", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		src, dst := writeFile(t, filepath.Join(dir, "a.txt"), "text"), writeFile(t, filepath.Join(dir, "a.bad"), "old")
		_, err := server.Client().ConvertFile(t.Context(), src, dst, cloudconvert.WithOverwrite())
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		assert.Equal(t, "old", readFile(t, dst))
		assert.Empty(t, strays(t, dir, "a.txt", "a.bad"))
	})
}

func TestConvertFileIntoLinkedDirectory(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	src := writeFile(t, filepath.Join(dir, "a.txt"), "text")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
	require.NoError(t, os.Symlink("real", filepath.Join(dir, "link")))
	_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "link", "a.pdf"))
	require.NoError(t, err)
	assert.Equal(t, "pdf: text", readFile(t, filepath.Join(dir, "real", "a.pdf")))
}

func TestConvertFileInWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	server := newSandbox(t)
	t.Chdir(dir)
	writeFile(t, "a.txt", "text")
	_, err := server.Client().ConvertFile(t.Context(), "a.txt", "a.pdf")
	require.NoError(t, err)
	assert.Equal(t, "pdf: text", readFile(t, filepath.Join(dir, "a.pdf")))
}

func TestConvertFileWithSeveralOutputs(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	lines := "one\ntwo\nthree"
	long := strings.Repeat("x", 245) // and 10 bytes more are as many as a name may have
	type files = map[string]string
	for name, c := range map[string]struct {
		text, dst string
		opts      []cloudconvert.ConvertOption
		want      files
	}{
		"pages":      {lines, "p.page", nil, files{"p-1.page": "one", "p-2.page": "two", "p-3.page": "three"}},
		"upper case": {lines, "P.b.PAGE", nil, files{"P.b-1.PAGE": "one", "P.b-2.PAGE": "two", "P.b-3.PAGE": "three"}},
		"long name": {lines, long + "abcde.page", nil, files{
			long + "abc-1.page": "one", long + "abc-2.page": "two", long + "abc-3.page": "three",
		}},
		"long name, runes":    {lines, long + "aéé.page", nil, files{long + "aé-1.page": "one", long + "aé-2.page": "two", long + "aé-3.page": "three"}},
		"long name, one page": {"one", long + "abcde.page", nil, files{long + "abcde.page": "one"}},
		"one page":            {"one", "p.page", nil, files{"p.page": "one"}},
		"archive":             {lines, "p.page", []cloudconvert.ConvertOption{cloudconvert.WithArchive()}, files{"p.zip": "one two three"}},
		"archive of one page": {"one", "p.page", []cloudconvert.ConvertOption{cloudconvert.WithArchive()}, files{"p.page": "one"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), c.text)
			job, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, c.dst), c.opts...)
			require.NoError(t, err)
			assert.NotEmpty(t, job.Files())
			got := files{}
			for _, file := range listed(t, dir) {
				got[file] = readFile(t, filepath.Join(dir, file))
				if strings.HasSuffix(file, ".zip") {
					got[file] = unzipped(t, filepath.Join(dir, file))
				}
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// unzipped returns the contents of an archive in one line.
func unzipped(t *testing.T, path string) string {
	t.Helper()
	archive, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer func() { assert.NoError(t, archive.Close()) }()
	var contents []string
	for _, entry := range archive.File {
		file, err := entry.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(file)
		require.NoError(t, err)
		contents = append(contents, string(content))
	}
	return strings.Join(contents, " ")
}

// All files are there, or none, and the job stays so that they can be fetched.
func TestConvertFileSavesAllOrNone(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	client := server.Client(cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1, MinWait: time.Millisecond}),
		cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: -1}))
	for name, broken := range map[string]bool{"in the way": false, "broken": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "one\ntwo\nthree")
			var before []string
			if broken {
				server.Inject(cloudconverttest.Fault{Path: "/*/*/*/page-3.page", Kind: cloudconverttest.Status, Status: 410})
			} else {
				writeFile(t, filepath.Join(dir, "p-2.page"), "mine")
				before = []string{"p-2.page"}
			}
			job, err := client.ConvertFile(t.Context(), src, filepath.Join(dir, "p.page"), cloudconvert.WithDelete())
			require.Error(t, err)
			assert.ElementsMatch(t, before, listed(t, dir))
			require.NotNil(t, job)
			again, err := client.Jobs.Get(t.Context(), job.ID)
			require.NoError(t, err)
			assert.Len(t, again.Files(), 3)
		})
	}
}

// What was converted is paid for: whoever tries again as long as that may help
// must not pay a second time.
func TestConvertFileIsNotRetryableOnceConverted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault cloudconverttest.Fault
		opts  []cloudconvert.ConvertOption
		want  string
	}{
		"not fetched": {cloudconverttest.Fault{Path: "storage:download", Kind: cloudconverttest.Status, Status: 503, Times: 100}, nil, "503"},
		"not deleted": {
			cloudconverttest.Fault{Method: "DELETE", Kind: cloudconverttest.Status, Status: 503, Times: 100},
			[]cloudconvert.ConvertOption{cloudconvert.WithDelete()},
			"DELETE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				server.Inject(c.fault)
				dir := t.TempDir()
				src := writeFile(t, filepath.Join(dir, "a.txt"), "text")
				job, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), c.opts...)
				require.ErrorIs(t, err, cloudconvert.ErrServer)
				require.ErrorContains(t, err, c.want)
				require.NotNil(t, job)
				require.ErrorContains(t, err, "job "+job.ID+" has finished")
				assert.False(t, cloudconvert.IsRetryable(err))

				item := textItem("a.txt", "text", filepath.Join(dir, "b.pdf"))
				for result := range server.Client().ConvertAll(t.Context(), slices.Values([]cloudconvert.Conversion{item}), c.opts...) {
					require.ErrorIs(t, result.Err, cloudconvert.ErrServer)
					assert.False(t, cloudconvert.IsRetryable(result.Err))
				}
			})
		})
	}
}

func TestConvertFileDeletes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dst  string
		want error
	}{"success": {"a.pdf", nil}, "failure": {"a.bad", cloudconvert.ErrJobFailed}} {
		for way, limit := range map[string]int64{"inline": 1000, "upload": 0} {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				server := newSandbox(t)
				dir := t.TempDir()
				src := writeFile(t, filepath.Join(dir, "a.txt"), "text")
				job, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, c.dst), cloudconvert.WithDelete(), cloudconvert.WithInlineLimit(limit))
				require.ErrorIs(t, err, c.want)
				assert.NotNil(t, job)
				assert.Zero(t, jobCount(server))
			})
		}
	}
}

// A wait that ended says whether its job was deleted.
func TestConvertFileSaysThatItDeleted(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]cloudconvert.ConvertOption{"deleted": {cloudconvert.WithDelete()}, "left": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				dir := t.TempDir()
				src := writeFile(t, filepath.Join(dir, "a.txt"), "text")
				ctx, cancel := context.WithTimeout(t.Context(), taskTime/2)
				defer cancel()
				_, err := server.Client().ConvertFile(ctx, src, filepath.Join(dir, "a.pdf"), append(opts, cloudconvert.WithInlineLimit(0))...)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorAs(t, err, new(*cloudconvert.WaitError))
				assert.Equal(t, opts == nil, jobCount(server) == 1)
				assert.Equal(t, opts != nil, strings.Contains(err.Error(), "; deleted)"), "%v", err)
			}, cloudconverttest.WithTaskDuration(taskTime))
		})
	}
}

// pendingUploads counts the jobs that wait for a file.
func pendingUploads(server *cloudconverttest.Server) int {
	pending := 0
	for _, task := range server.Tasks() {
		if task.Operation == "import/upload" && task.Status == "waiting" {
			pending++
		}
	}
	return pending
}

// A conversion may be cancelled at any moment: here at every so many parts of
// the time that it takes.
func TestConvertFileCancelled(t *testing.T) {
	t.Parallel()
	const moments = 60
	for way, limit := range map[string]int64{"inline": 10_000_000, "upload": 0} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				src := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), content(100<<10))
				convert := func(ctx context.Context, dir string) (time.Duration, error) {
					// New connections each time: making them is one of the stages.
					client := server.Client(linked(t, server)...)
					start := time.Now()
					_, err := client.ConvertFile(ctx, src, filepath.Join(dir, "a.pdf"), cloudconvert.WithInlineLimit(limit))
					return time.Since(start), err
				}
				total, err := convert(t.Context(), t.TempDir())
				require.NoError(t, err)
				for moment := range moments {
					dir := t.TempDir()
					at := total * time.Duration(moment) / moments
					ctx, cancel := context.WithTimeout(t.Context(), at)
					took, err := convert(ctx, dir)
					cancel()
					require.ErrorIs(t, err, context.DeadlineExceeded, "after %v", at)
					assert.Empty(t, listed(t, dir), "after %v", at)
					assert.Less(t, took-at, time.Second)
					require.NoError(t, server.WaitIdle(t.Context()))
					assert.Zero(t, pendingUploads(server), "after %v", at)
				}
			}, cloudconverttest.WithTaskDuration(30*time.Millisecond))
		})
	}
}

// The same when the service is stuck, so that nobody knows how far it has got.
func TestConvertFileCancelledWhileStuck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path  string
		role  cloudconverttest.Role
		phase cloudconverttest.Phase
	}{
		{"/v2/jobs", cloudconverttest.RoleAPI, cloudconverttest.Before},
		{"/v2/jobs", cloudconverttest.RoleAPI, cloudconverttest.During},
		{"/v2/jobs", cloudconverttest.RoleAPI, cloudconverttest.After},
		{"storage:upload", "", cloudconverttest.Before},
		{"storage:upload", "", cloudconverttest.After},
		{"/v2/jobs/*", cloudconverttest.RoleSync, cloudconverttest.Before},
		{"/v2/jobs/*", cloudconverttest.RoleSync, cloudconverttest.After},
		{"storage:download", "", cloudconverttest.Before},
		{"storage:download", "", cloudconverttest.During},
	} {
		t.Run(fmt.Sprint(c.path, " ", c.role, " ", c.phase), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				server.Inject(cloudconverttest.Fault{Path: c.path, Role: c.role, Phase: c.phase, Kind: cloudconverttest.Stall, Nth: 1, Times: 1})
				dir := t.TempDir()
				src := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), content(100<<10))
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				_, err := server.Client().ConvertFile(ctx, src, filepath.Join(dir, "a.pdf"), cloudconvert.WithInlineLimit(0))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Less(t, time.Since(start), 11*time.Second)
				assert.Empty(t, listed(t, dir))
				require.NoError(t, server.WaitIdle(t.Context()))
				assert.Zero(t, pendingUploads(server))
			})
		})
	}
}

// An upload that fails leaves no job that waits for it.
func TestConvertFileUploadRefused(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir := t.TempDir()
		src := writeFile(t, filepath.Join(dir, "a.txt"), content(2000))
		job, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), cloudconvert.WithInlineLimit(0), cloudconvert.WithDelete())
		require.ErrorContains(t, err, "EntityTooLarge")
		assert.NotNil(t, job)
		assert.Zero(t, jobCount(server))
		assert.Empty(t, strays(t, dir, "a.txt"))
	}, cloudconverttest.WithMaxUpload(1000))
}

// A name that no file can have is found out before anything is paid for.
func TestConvertFileToAnImpossibleName(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	source := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
	_, err := server.Client().ConvertFile(t.Context(), source, filepath.Join(t.TempDir(), strings.Repeat("x", 300)+".pdf"))
	require.ErrorContains(t, err, "cannot be written")
	assert.Empty(t, server.Jobs())
}

// What the service calls an output decides nothing but whether it is an archive.
func TestConvertFileTakesNoOtherExtension(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.HandleConvert("txt", "page", func(_ context.Context, run *cloudconverttest.Run) error {
			return run.Write("x.txt", []byte("made"))
		})
		dir := t.TempDir()
		src, dst := writeFile(t, filepath.Join(dir, "a.txt"), "mine"), filepath.Join(dir, "a.page")
		_, err := server.Client().ConvertFile(t.Context(), src, dst, cloudconvert.WithArchive(), cloudconvert.WithOverwrite())
		require.NoError(t, err)
		assert.Equal(t, "mine", readFile(t, src))
		assert.Equal(t, "made", readFile(t, dst))
	})
}

// A panic of the caller's, who may recover, leaves nothing behind either.
func TestConvertFilePanics(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	dir := t.TempDir()
	src := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
	assert.PanicsWithValue(t, "enough", func() {
		_, _ = server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), cloudconvert.WithProgress(func(cloudconvert.Progress) {
			panic("enough") //nolint:forbidigo // that is what the test is about.
		}))
	})
	assert.Empty(t, listed(t, dir))
}

// A job may take hours, in which the directory changes: the file is where its
// path leads to in the end, or there is an error.
func TestConvertFileAfterItsDirectoryChanged(t *testing.T) {
	t.Parallel()
	move := func(dir string) error { return os.Rename(dir, dir+" old") }
	for name, c := range map[string]struct {
		change func(dir string) error
		want   error
	}{
		"moved":     {move, fs.ErrNotExist},
		"replaced":  {func(dir string) error { return errors.Join(move(dir), os.Mkdir(dir, 0o700)) }, nil},
		"linked":    {func(dir string) error { return errors.Join(move(dir), os.Symlink(filepath.Base(dir)+" old", dir)) }, nil},
		"made anew": {func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)) }, nil},
		"removed":   {os.RemoveAll, fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newSandbox(t)
			above := t.TempDir()
			dir := filepath.Join(above, "out")
			require.NoError(t, os.Mkdir(dir, 0o700))
			server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
				return errors.Join(c.change(dir), run.Write("a.pdf", []byte("made")))
			})
			src, dst := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "text"), filepath.Join(dir, "a.pdf")
			job, err := server.Client().ConvertFile(t.Context(), src, dst, cloudconvert.WithDelete())
			for _, file := range listed(t, above) {
				assert.NotContains(t, file, ".part")
			}
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
				assert.NotEmpty(t, job.Files())
				assert.Equal(t, 1, jobCount(server), "the files can still be fetched")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "made", readFile(t, dst))
		})
	}
}

// A file has its name by the time that its directory turns out not to be readable,
// which is what syncing it takes.
func TestConvertFileIntoDirectoryThatCannotBeSynced(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("nothing is protected from root")
	}
	server := newSandbox(t)
	dir := t.TempDir()
	server.HandleConvert("txt", "page", func(_ context.Context, run *cloudconverttest.Run) error {
		return errors.Join(os.Chmod(dir, 0o300), run.Write("1.page", []byte("1")), run.Write("2.page", []byte("2")))
	})
	src := writeFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
	_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "p.page"))
	require.ErrorIs(t, err, fs.ErrPermission)
	require.NoError(t, os.Chmod(dir, 0o700))
	assert.Empty(t, listed(t, dir), "all or none")
}

// A job that failed is no better the second time, whether it could be deleted or not.
func TestConvertFileWhoseFailedJobCannotBeDeleted(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.HandleConvert("txt", "pdf", func(context.Context, *cloudconverttest.Run) error { return errors.New("broken") })
		server.Inject(cloudconverttest.Fault{Method: "DELETE", Kind: cloudconverttest.Status, Status: 503, Times: 100})
		dir := t.TempDir()
		src := writeFile(t, filepath.Join(dir, "a.txt"), "text")
		_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), cloudconvert.WithDelete())
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		require.ErrorIs(t, err, cloudconvert.ErrServer)
		assert.False(t, cloudconvert.IsRetryable(err))
	})
}
