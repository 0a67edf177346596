package cloudconvert_test

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
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
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestConvertFile(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
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
			src := testkit.WriteFile(t, filepath.Join(dir, c.src), c.name)
			dst := filepath.Join(dir, c.dst)
			for _, limit := range []int64{0, 1000} {
				paths, err := server.Client().ConvertFile(t.Context(), src, dst, cloudconvert.WithInlineLimit(limit), cloudconvert.WithOverwrite())
				require.NoError(t, err)
				assert.Equal(t, []string{dst}, paths)
				assert.Equal(t, "pdf: "+c.name, testkit.ReadFile(t, dst))
			}
			assert.Empty(t, strays(t, dir, c.src, c.dst), "nothing else is left")
		})
	}
}

func TestConvertFileConvertsImages(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	_, err := server.Client().ConvertFile(t.Context(), "testdata/photo.png", filepath.Join(dir, "photo.JPEG"))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(testkit.ReadFile(t, filepath.Join(dir, "photo.JPEG")), "\xff\xd8\xff"))
}

func TestConvertFileWritesArchives(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	server.HandleConvert("tar.gz", "zip", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("a.zip", []byte(run.Input().Format))
	})
	for _, name := range []string{"a.tar.gz", "a.TAR.GZ", "a.b.tar.gz"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src := testkit.WriteFile(t, filepath.Join(dir, name), "x")
			_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.zip"))
			require.NoError(t, err)
			assert.Equal(t, "tar.gz", testkit.ReadFile(t, filepath.Join(dir, "a.zip")))
		})
	}
}

func TestConvertFileConvertsURLs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := testkit.NewSandbox(t)
	remote := testkit.WriteFile(t, filepath.Join(dir, "remote.txt"), "remote")
	for _, address := range []string{"https://example.com/remote.txt", "http://example.com/remote.txt", "HTTPS://example.com/remote.txt"} {
		server.HandleURL(address, remote)
		dst := filepath.Join(dir, strings.ReplaceAll(address, "/", "_")+".pdf")
		_, err := server.Client().ConvertFile(t.Context(), address, dst)
		require.NoError(t, err)
		assert.Equal(t, "pdf: remote", testkit.ReadFile(t, dst))
	}
}

// The check comes before the job is created.
func TestConvertFileRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src, dst string // below the directory
		opts     []cloudconvert.ConvertOption
		is       error
		want     string
	}{
		"no format":          {src: "a.txt", dst: "b", is: cloudconvert.ErrInvalid, want: "cannot tell the output format from"},
		"no format to read":  {src: "a.txt", dst: "b.c d", is: cloudconvert.ErrInvalid, want: "cannot tell the output format from"},
		"dot file":           {src: "a.txt", dst: ".pdf", is: cloudconvert.ErrInvalid, want: "cannot tell the output format from"},
		"path of directory":  {src: "a.txt", dst: "b.pdf/", is: cloudconvert.ErrInvalid, want: "cannot tell the output format from"},
		"directory":          {src: "a.txt", dst: "dir.pdf", is: cloudconvert.ErrInvalid, want: "is a directory: name a file, or write"},
		"link to directory":  {src: "a.txt", dst: "dirlink.pdf", is: cloudconvert.ErrInvalid, want: "is a directory: name a file"},
		"existing":           {src: "a.txt", dst: "there.pdf", is: fs.ErrExist, want: "use WithOverwrite"},
		"link to existing":   {src: "a.txt", dst: "link.pdf", is: fs.ErrExist, want: "use WithOverwrite"},
		"link to nothing":    {src: "a.txt", dst: "dangling.pdf", is: fs.ErrExist, want: "use WithOverwrite"},
		"itself":             {src: "a.txt", dst: "a.txt", is: fs.ErrExist, want: "is the source: name another file"},
		"file as directory":  {src: "a.txt", dst: "a.txt/b.pdf", want: "cannot be written"},
		"no such source":     {src: "missing.txt", dst: "b.pdf", is: fs.ErrNotExist, want: "missing.txt"},
		"source a directory": {src: "dir.pdf", dst: "b.pdf", is: cloudconvert.ErrInvalid, want: "is a directory"},
		"source of no format": {
			src: "README", dst: "b.pdf", is: cloudconvert.ErrInvalid,
			want: "its name has no extension: use Source.WithName",
		},
		"option": {src: "a.txt", dst: "b.pdf", opts: []cloudconvert.ConvertOption{cloudconvert.WithInlineLimit(-1)}, is: cloudconvert.ErrInvalid, want: "WithInlineLimit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, file := range []string{"a.txt", "there.pdf", "README"} {
				testkit.WriteFile(t, filepath.Join(dir, file), "untouched")
			}
			require.NoError(t, os.Mkdir(filepath.Join(dir, "dir.pdf"), 0o700))
			for link, target := range map[string]string{"link.pdf": "there.pdf", "dangling.pdf": "nothing", "dirlink.pdf": "dir.pdf"} {
				require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
			}
			before := testkit.Listed(t, dir)
			server := testkit.NewSandbox(t)
			paths, err := server.Client().ConvertFile(t.Context(), filepath.Join(dir, c.src), dir+"/"+c.dst, c.opts...)
			require.ErrorContains(t, err, c.want)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			assert.Empty(t, paths)
			assert.Equal(t, noRequests, testkit.Outline(server))
			assert.Equal(t, before, testkit.Listed(t, dir))
			assert.Equal(t, "untouched", testkit.ReadFile(t, filepath.Join(dir, "there.pdf")))
		})
	}
}

func TestConvertFileRefusesWriteProtectedDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() <= 0 {
		t.Skip("nothing is protected from root, or by such permissions on Windows")
	}
	dir := filepath.Join(t.TempDir(), "protected")
	require.NoError(t, os.Mkdir(dir, 0o500))
	server := testkit.NewSandbox(t)
	src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "x")
	_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"))
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Empty(t, server.Requests())
}

func TestConvertFileOverwritesWhenAllowed(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	server.HandleConvert("txt", "txt", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("a.txt", []byte("new"))
	})
	t.Run("a file", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		src, dst := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), "text"), testkit.WriteFile(t, filepath.Join(dir, "a.pdf"), "old")
		_, err := server.Client().ConvertFile(t.Context(), src, dst, cloudconvert.WithOverwrite())
		require.NoError(t, err)
		assert.Equal(t, "pdf: text", testkit.ReadFile(t, dst))
	})
	t.Run("itself", func(t *testing.T) {
		t.Parallel()
		src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
		_, err := server.Client().ConvertFile(t.Context(), src, src, cloudconvert.WithOverwrite())
		require.NoError(t, err)
		assert.Equal(t, "new", testkit.ReadFile(t, src))
	})
	t.Run("a link, not what it leads to", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		src, target := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), "text"), testkit.WriteFile(t, filepath.Join(dir, "target"), "old")
		require.NoError(t, os.Symlink("target", filepath.Join(dir, "a.pdf")))
		_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), cloudconvert.WithOverwrite())
		require.NoError(t, err)
		assert.Equal(t, "pdf: text", testkit.ReadFile(t, filepath.Join(dir, "a.pdf")))
		assert.Equal(t, "old", testkit.ReadFile(t, target))
	})
	t.Run("not when it fails", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		src, dst := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), "text"), testkit.WriteFile(t, filepath.Join(dir, "a.bad"), "old")
		_, err := server.Client().ConvertFile(t.Context(), src, dst, cloudconvert.WithOverwrite())
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		assert.Equal(t, "old", testkit.ReadFile(t, dst))
		assert.Empty(t, strays(t, dir, "a.txt", "a.bad"))
	})
}

func TestConvertFileFollowsLinksToDirectories(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	src := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), "text")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
	require.NoError(t, os.Symlink("real", filepath.Join(dir, "link")))
	_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "link", "a.pdf"))
	require.NoError(t, err)
	assert.Equal(t, "pdf: text", testkit.ReadFile(t, filepath.Join(dir, "real", "a.pdf")))
}

func TestConvertFileWritesToWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	server := testkit.NewSandbox(t)
	t.Chdir(dir)
	testkit.WriteFile(t, "a.txt", "text")
	_, err := server.Client().ConvertFile(t.Context(), "a.txt", "a.pdf")
	require.NoError(t, err)
	assert.Equal(t, "pdf: text", testkit.ReadFile(t, filepath.Join(dir, "a.pdf")))
}

func TestRunFileWritesSeveralOutputs(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	lines := "one\ntwo\nthree"
	long := strings.Repeat("x", 245) // and 10 bytes more are as many as a name may have
	plain, archived := cloudconvert.ExportURL{}, cloudconvert.ExportURL{ArchiveMultipleFiles: true}
	type files = map[string]string
	for name, c := range map[string]struct {
		text, dst string
		export    cloudconvert.ExportURL
		want      files
	}{
		"pages":               {lines, "p.page", plain, files{"p-1.page": "one", "p-2.page": "two", "p-3.page": "three"}},
		"upper case":          {lines, "P.b.PAGE", plain, files{"P.b-1.PAGE": "one", "P.b-2.PAGE": "two", "P.b-3.PAGE": "three"}},
		"one page":            {"one", "p.page", plain, files{"p.page": "one"}},
		"archive":             {lines, "p.zip", archived, files{"p.zip": "one two three"}},
		"archive of one page": {"one", "p.page", archived, files{"p.page": "one"}},
		"long name": {lines, long + "abcde.page", plain, files{
			long + "abc-1.page": "one", long + "abc-2.page": "two", long + "abc-3.page": "three",
		}},
		"long name, runes":    {lines, long + "aéé.page", plain, files{long + "aé-1.page": "one", long + "aé-2.page": "two", long + "aé-3.page": "three"}},
		"long name, one page": {"one", long + "abcde.page", plain, files{long + "abcde.page": "one"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), c.text)
			request := cloudconvert.Pipeline(cloudconvert.FromFile(src), cloudconvert.Convert{OutputFormat: "page"}, c.export)
			paths, err := server.Client().RunFile(t.Context(), request, filepath.Join(dir, c.dst))
			require.NoError(t, err)
			assert.Len(t, paths, len(c.want))
			got := files{}
			for _, file := range testkit.Listed(t, dir) {
				got[file] = testkit.ReadFile(t, filepath.Join(dir, file))
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

// The job is kept, so that its files can be saved later.
func TestConvertFileSavesAllOrNone(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	client := server.Client(cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1, MinWait: time.Millisecond}),
		cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: -1}))
	for name, broken := range map[string]bool{"in the way": false, "broken": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "one\ntwo\nthree")
			var before []string
			if broken {
				server.Inject(cloudconverttest.Fault{Path: "/*/*/*/page-3.page", Kind: cloudconverttest.Status, Status: 410})
			} else {
				testkit.WriteFile(t, filepath.Join(dir, "p-2.page"), "mine")
				before = []string{"p-2.page"}
			}
			dst := filepath.Join(dir, "p.page")
			_, err := client.ConvertFile(t.Context(), src, dst, cloudconvert.WithDelete())
			var unsaved *cloudconvert.UnsavedError
			require.ErrorAs(t, err, &unsaved)
			assert.Equal(t, dst, unsaved.Destination)
			assert.ElementsMatch(t, before, testkit.Listed(t, dir))
			again, err := client.Jobs.Get(t.Context(), unsaved.Job.ID)
			require.NoError(t, err)
			assert.Len(t, again.Files(), 3)
		})
	}
}

// A finished job is paid for. A loop over IsRetryable must not pay a second time.
func TestConvertFileIsNotRetryableOnceConverted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault cloudconverttest.Fault
		opts  []cloudconvert.ConvertOption
		batch []cloudconvert.BatchOption
		want  string
	}{
		"not fetched": {cloudconverttest.Fault{Path: "storage:download", Kind: cloudconverttest.Status, Status: 503, Times: 100}, nil, nil, "503"},
		"not deleted": {
			cloudconverttest.Fault{Method: "DELETE", Kind: cloudconverttest.Status, Status: 503, Times: 100},
			[]cloudconvert.ConvertOption{cloudconvert.WithDelete()},
			[]cloudconvert.BatchOption{cloudconvert.WithDelete()},
			"DELETE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				server.Inject(c.fault)
				dir := t.TempDir()
				src := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), "text")
				_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), c.opts...)
				require.ErrorIs(t, err, cloudconvert.ErrServer)
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, "job "+server.Jobs()[0].ID)
				require.ErrorContains(t, err, "has finished")
				assert.False(t, cloudconvert.IsRetryable(err))

				work := testkit.TextWork("a.txt", "text", filepath.Join(dir, "b.pdf"))
				for result := range server.Client().RunAll(t.Context(), slices.Values([]cloudconvert.Work{work}), c.batch...) {
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
				server := testkit.NewSandbox(t)
				dir := t.TempDir()
				src := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), "text")
				_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, c.dst), cloudconvert.WithDelete(), cloudconvert.WithInlineLimit(limit))
				require.ErrorIs(t, err, c.want)
				assert.Zero(t, testkit.JobCount(server))
			})
		}
	}
}

// The conversion is cancelled at many moments of the time that it takes.
func TestCancelledConvertFileLeavesNothing(t *testing.T) {
	t.Parallel()
	const moments = 60
	for way, limit := range map[string]int64{"inline": 10_000_000, "upload": 0} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), testkit.Content(100<<10))
				convert := func(ctx context.Context, dir string) (time.Duration, error) {
					// New connections each time: making them is one of the stages.
					client := server.Client(testkit.Linked(t, server)...)
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
					assert.Empty(t, testkit.Listed(t, dir), "after %v", at)
					assert.Less(t, took-at, time.Second)
					require.NoError(t, server.WaitIdle(t.Context()))
					assert.Zero(t, pendingUploads(server), "after %v", at)
				}
			}, cloudconverttest.WithTaskDuration(30*time.Millisecond))
		})
	}
}

func TestCancelledConvertFileLeavesNothingOfAStuckService(t *testing.T) {
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
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				server.Inject(cloudconverttest.Fault{Path: c.path, Role: c.role, Phase: c.phase, Kind: cloudconverttest.Stall, Nth: 1, Times: 1})
				dir := t.TempDir()
				src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), testkit.Content(100<<10))
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				_, err := server.Client().ConvertFile(ctx, src, filepath.Join(dir, "a.pdf"), cloudconvert.WithInlineLimit(0))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Less(t, time.Since(start), 11*time.Second)
				assert.Empty(t, testkit.Listed(t, dir))
				require.NoError(t, server.WaitIdle(t.Context()))
				assert.Zero(t, pendingUploads(server))
			})
		})
	}
}

func TestConvertFileDeletesJobOfRefusedUpload(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		dir := t.TempDir()
		src := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), testkit.Content(2000))
		_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), cloudconvert.WithInlineLimit(0), cloudconvert.WithDelete())
		require.ErrorContains(t, err, "EntityTooLarge")
		assert.Zero(t, testkit.JobCount(server))
		assert.Empty(t, strays(t, dir, "a.txt"))
	}, cloudconverttest.WithMaxUpload(1000))
}

// The check comes before the job is paid for.
func TestConvertFileRefusesImpossibleNames(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	source := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
	_, err := server.Client().ConvertFile(t.Context(), source, filepath.Join(t.TempDir(), strings.Repeat("x", 300)+".pdf"))
	require.ErrorContains(t, err, "cannot be written")
	assert.Empty(t, server.Jobs())
}

// The service's name of an output decides only whether it is an archive.
func TestConvertFileIgnoresExtensionOfTheService(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.HandleConvert("txt", "page", func(_ context.Context, run *cloudconverttest.Run) error {
			return run.Write("x.txt", []byte("made"))
		})
		dir := t.TempDir()
		src, dst := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), "mine"), filepath.Join(dir, "a.page")
		request := cloudconvert.Pipeline(cloudconvert.FromFile(src), cloudconvert.Convert{OutputFormat: "page"}, cloudconvert.ExportURL{ArchiveMultipleFiles: true})
		_, err := server.Client().RunFile(t.Context(), request, dst, cloudconvert.WithOverwrite())
		require.NoError(t, err)
		assert.Equal(t, "mine", testkit.ReadFile(t, src))
		assert.Equal(t, "made", testkit.ReadFile(t, dst))
	})
}

// The caller may recover from a panic of its progress function.
func TestConvertFileCleansUpAfterAPanic(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
	assert.PanicsWithValue(t, "enough", func() {
		_, _ = server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), cloudconvert.WithProgress(func(cloudconvert.Progress) {
			panic("enough") //nolint:forbidigo // the test is about panics
		}))
	})
	assert.Empty(t, testkit.Listed(t, dir))
}

// A job may take hours, in which the directory changes. The file is written where its
// path leads to at the end. A missing directory is created.
func TestConvertFileWritesToTheDirectoryOfItsPath(t *testing.T) {
	t.Parallel()
	move := func(dir string) error { return os.Rename(dir, dir+" old") }
	for name, change := range map[string]func(dir string) error{
		"moved":     move,
		"replaced":  func(dir string) error { return errors.Join(move(dir), os.Mkdir(dir, 0o700)) },
		"linked":    func(dir string) error { return errors.Join(move(dir), os.Symlink(filepath.Base(dir)+" old", dir)) },
		"made anew": func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)) },
		"removed":   os.RemoveAll,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			above := t.TempDir()
			dir := filepath.Join(above, "out")
			require.NoError(t, os.Mkdir(dir, 0o700))
			server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
				return errors.Join(change(dir), run.Write("a.pdf", []byte("made")))
			})
			src, dst := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "text"), filepath.Join(dir, "a.pdf")
			_, err := server.Client().ConvertFile(t.Context(), src, dst, cloudconvert.WithDelete())
			require.NoError(t, err)
			for _, file := range testkit.Listed(t, above) {
				assert.NotContains(t, file, ".part")
			}
			assert.Equal(t, "made", testkit.ReadFile(t, dst))
		})
	}
}

// The job and its files are kept too.
func TestConvertFileLeavesFileInPlaceOfDirectory(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	dir := filepath.Join(t.TempDir(), "out")
	server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, []byte("mine"), 0o600), run.Write("a.pdf", []byte("made")))
	})
	src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
	_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), cloudconvert.WithDelete())
	var unsaved *cloudconvert.UnsavedError
	require.ErrorAs(t, err, &unsaved)
	assert.Equal(t, "mine", testkit.ReadFile(t, dir))
	assert.Equal(t, 1, testkit.JobCount(server), "the files can still be fetched")
	dst := filepath.Join(t.TempDir(), "b.pdf")
	paths, err := server.Client().SaveAs(t.Context(), unsaved.Job, dst)
	require.NoError(t, err)
	assert.Equal(t, []string{dst}, paths)
	assert.Equal(t, "made", testkit.ReadFile(t, dst))
	assert.Equal(t, 1, testkit.JobCount(server))
}

// A directory must be readable to be synced. The file has its name by then.
func TestConvertFileReportsFailedSyncOfDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() <= 0 {
		t.Skip("nothing is protected from root, or by such permissions on Windows")
	}
	server := testkit.NewSandbox(t)
	dir := t.TempDir()
	server.HandleConvert("txt", "page", func(_ context.Context, run *cloudconverttest.Run) error {
		return errors.Join(os.Chmod(dir, 0o300), run.Write("1.page", []byte("1")), run.Write("2.page", []byte("2")))
	})
	src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), "text")
	_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "p.page"))
	require.ErrorIs(t, err, fs.ErrPermission)
	require.NoError(t, os.Chmod(dir, 0o700))
	assert.Empty(t, testkit.Listed(t, dir), "all or none")
}

func TestFailedDeletionDoesNotMakeJobErrorRetryable(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.HandleConvert("txt", "pdf", func(context.Context, *cloudconverttest.Run) error { return errors.New("broken") })
		server.Inject(cloudconverttest.Fault{Method: "DELETE", Kind: cloudconverttest.Status, Status: 503, Times: 100})
		dir := t.TempDir()
		src := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), "text")
		_, err := server.Client().ConvertFile(t.Context(), src, filepath.Join(dir, "a.pdf"), cloudconvert.WithDelete())
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		require.ErrorIs(t, err, cloudconvert.ErrServer)
		assert.False(t, cloudconvert.IsRetryable(err))
	})
}

// several makes conversions of txt write the files that the text names.
func several(server *cloudconverttest.Server) {
	server.HandleConvert("txt", "*", func(_ context.Context, run *cloudconverttest.Run) error {
		text, err := os.ReadFile(run.Input().Path)
		for name := range strings.FieldsSeq(string(text)) {
			err = errors.Join(err, run.Write(name, []byte("content of "+name)))
		}
		return err
	})
}

// One file gets the name asked for. Of several, those with its extension do, with a
// number if there is more than one. The others keep their own names.
func TestRunFileNamesSeveralFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		made, dst string
		want      map[string]string // name and whose content
	}{
		"one":                    {"x.html", "p.html", map[string]string{"p.html": "x.html"}},
		"one with a number":      {"x-7.jpg", "p.jpg", map[string]string{"p.jpg": "x-7.jpg"}},
		"one of another name":    {"x.odd", "p.html", map[string]string{"p.html": "x.odd"}},
		"a page and its images":  {"x.html b.png a.png", "p.html", map[string]string{"p.html": "x.html", "b.png": "b.png", "a.png": "a.png"}},
		"in another order":       {"b.png x.html a.png", "p.html", map[string]string{"p.html": "x.html", "b.png": "b.png", "a.png": "a.png"}},
		"numbers of pages":       {"x-2.jpg x-3.jpg", "p.jpg", map[string]string{"p-2.jpg": "x-2.jpg", "p-3.jpg": "x-3.jpg"}},
		"numbers of two digits":  {"x-9.jpg x-10.jpg", "p.jpg", map[string]string{"p-9.jpg": "x-9.jpg", "p-10.jpg": "x-10.jpg"}},
		"numbers in any order":   {"x-3.jpg x-1.jpg x-2.jpg", "p.jpg", map[string]string{"p-1.jpg": "x-1.jpg", "p-2.jpg": "x-2.jpg", "p-3.jpg": "x-3.jpg"}},
		"the number that counts": {"x2024-5.jpg x2024-6.jpg", "p.jpg", map[string]string{"p-5.jpg": "x2024-5.jpg", "p-6.jpg": "x2024-6.jpg"}},
		"two numbers":            {"x-5-5.jpg x-6-6.jpg", "p.jpg", map[string]string{"p-1.jpg": "x-5-5.jpg", "p-2.jpg": "x-6-6.jpg"}},
		"no numbers":             {"x.jpg y.jpg", "p.jpg", map[string]string{"p-1.jpg": "x.jpg", "p-2.jpg": "y.jpg"}},
		"other names":            {"x-5.jpg y-6.jpg", "p.jpg", map[string]string{"p-1.jpg": "x-5.jpg", "p-2.jpg": "y-6.jpg"}},
		"two names of a format":  {"x-5.jpg x-6.jpeg", "p.jpeg", map[string]string{"p-1.jpeg": "x-5.jpg", "p-2.jpeg": "x-6.jpeg"}},
		"pages and another file": {"x-4.jpg toc.txt x-5.jpg", "p.jpg", map[string]string{"p-4.jpg": "x-4.jpg", "p-5.jpg": "x-5.jpg", "toc.txt": "toc.txt"}},
		"a name that is taken":   {"x-1.jpg x-2.jpg p-1.txt", "p.jpg", map[string]string{"p-1.jpg": "x-1.jpg", "p-2.jpg": "x-2.jpg", "p-1.txt": "p-1.txt"}},
		"no extension":           {"x-4.jpg x-5.jpg", "p", map[string]string{"x-4.jpg": "x-4.jpg", "x-5.jpg": "x-5.jpg"}},
		"no extension, one file": {"x-4.jpg", "p", map[string]string{"p": "x-4.jpg"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			several(server)
			client := server.Client()
			format := strings.TrimPrefix(filepath.Ext(c.dst), ".")
			if format == "" {
				format = "jpg"
			}
			request := cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte(c.made)), cloudconvert.Convert{OutputFormat: format})
			dir := filepath.Join(t.TempDir(), "new", "dir")
			paths, err := client.RunFile(t.Context(), request, filepath.Join(dir, c.dst))
			require.NoError(t, err)
			again := filepath.Join(t.TempDir(), "new", "dir")
			job, err := client.Run(t.Context(), request)
			require.NoError(t, err)
			saved, err := client.SaveAs(t.Context(), job, filepath.Join(again, c.dst))
			require.NoError(t, err)
			for at, paths := range map[string][]string{dir: paths, again: saved} {
				assert.ElementsMatch(t, slices.Collect(maps.Keys(c.want)), testkit.Listed(t, at))
				for i, made := range strings.Fields(c.made) {
					assert.Equal(t, "content of "+made, testkit.ReadFile(t, paths[i]), "in the order of the files")
				}
				for file, made := range c.want {
					assert.Equal(t, "content of "+made, testkit.ReadFile(t, filepath.Join(at, file)))
				}
			}
		})
	}
}

// The check comes before the job is paid for, if the request determines the format.
func TestDestinationOfAnotherFormatIsRefused(t *testing.T) {
	t.Parallel()
	src := cloudconvert.FromBytes("a.txt", []byte("x"))
	pdf := cloudconvert.Convert{OutputFormat: "pdf"}
	archive := cloudconvert.ExportURL{ArchiveMultipleFiles: true}
	for name, c := range map[string]struct {
		tasks []cloudconvert.TaskRequest
		dst   string
		want  string // format that the error names, or "" if it is accepted
	}{
		"convert":                {[]cloudconvert.TaskRequest{src, pdf}, "a.png", "pdf"},
		"the same":               {[]cloudconvert.TaskRequest{src, pdf}, "a.PDF", ""},
		"no extension":           {[]cloudconvert.TaskRequest{src, pdf}, "a", ""},
		"other name of a format": {[]cloudconvert.TaskRequest{src, cloudconvert.Convert{OutputFormat: "jpg"}}, "a.jpeg", ""},
		"the last task counts":   {[]cloudconvert.TaskRequest{src, pdf, cloudconvert.Thumbnail{OutputFormat: "png"}}, "a.pdf", "png"},
		"merge":                  {[]cloudconvert.TaskRequest{src, src, cloudconvert.Merge{OutputFormat: "pdf"}}, "a.docx", "pdf"},
		"PDF operation":          {[]cloudconvert.TaskRequest{src, cloudconvert.PDFOCR{}}, "a.txt", "pdf"},
		"archive":                {[]cloudconvert.TaskRequest{src, pdf, archive}, "a.zip", ""},
		"archive of the format":  {[]cloudconvert.TaskRequest{src, pdf, archive}, "a.pdf", ""},
		"archive of another":     {[]cloudconvert.TaskRequest{src, pdf, archive}, "a.png", "pdf"},
		"no archive":             {[]cloudconvert.TaskRequest{src, pdf}, "a.zip", "pdf"},
		"not known":              {[]cloudconvert.TaskRequest{src, cloudconvert.RawTask{Op: "new"}}, "a.png", ""},
		"format in the options":  {[]cloudconvert.TaskRequest{src, cloudconvert.Convert{Options: cloudconvert.Options{"output_format": "pdf"}}}, "a.png", "pdf"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, testkit.Says(http.StatusUnauthorized, `{"message": "it was sent"}`))
			dir := t.TempDir()
			dst := filepath.Join(dir, "new", c.dst)
			request := cloudconvert.Pipeline(c.tasks...)
			_, err := client.RunFile(t.Context(), request, dst)
			if c.want == "" {
				require.ErrorContains(t, err, "it was sent")
				return
			}
			results := slices.Collect(client.RunAll(t.Context(), slices.Values([]cloudconvert.Work{{Request: request, Destination: dst}})))
			require.Len(t, results, 1)
			for _, err := range []error{err, results[0].Err} {
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				require.ErrorContains(t, err, "the extension of another format than the output \""+c.want+"\"")
			}
			assert.Empty(t, script.URLs())
			assert.Empty(t, testkit.Listed(t, dir))
		})
	}
}

func TestDirectoryWithoutSeparatorIsRefused(t *testing.T) {
	t.Parallel()
	server := testkit.NewSandbox(t)
	client := server.Client()
	request := converting(cloudconvert.FromBytes("a.txt", []byte("x")), "pdf")
	job, err := client.Run(t.Context(), request)
	require.NoError(t, err)
	sent := len(testkit.Outline(server))
	dir := t.TempDir()
	_, ran := client.RunFile(t.Context(), request, dir)
	_, saved := client.SaveAs(t.Context(), job, dir)
	results := slices.Collect(client.RunAll(t.Context(), slices.Values([]cloudconvert.Work{{Request: request, Destination: dir}})))
	require.Len(t, results, 1)
	for _, err := range []error{ran, saved, results[0].Err} {
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		require.ErrorContains(t, err, fmt.Sprintf("is a directory: name a file, or write %q", dir+string(filepath.Separator)))
	}
	_, ran = client.RunFile(t.Context(), request, "")
	require.ErrorContains(t, ran, "the destination is empty")
	assert.Len(t, testkit.Outline(server), sent)
	assert.Empty(t, testkit.Listed(t, dir))
}

// A single file gets the name that its task gives it, or that of the first source.
func TestRunFileNamesFileInDirectory(t *testing.T) {
	t.Parallel()
	src := cloudconvert.FromBytes("dir/a.b.txt", []byte("made.pdf"))
	for name, c := range map[string]struct {
		tasks []cloudconvert.TaskRequest
		want  []string
	}{
		"of the source": {[]cloudconvert.TaskRequest{src, cloudconvert.Convert{OutputFormat: "pdf"}}, []string{"a.b.pdf"}},
		"of the first source": {
			[]cloudconvert.TaskRequest{src, src.WithName("c.txt"), cloudconvert.Merge{OutputFormat: "pdf"}}, []string{"a.b.pdf"},
		},
		"given another name":  {[]cloudconvert.TaskRequest{src.WithName("c.txt"), cloudconvert.Convert{OutputFormat: "pdf"}}, []string{"c.pdf"}},
		"of the task":         {[]cloudconvert.TaskRequest{src, cloudconvert.Convert{OutputFormat: "pdf", Filename: "d.pdf"}}, []string{"d.pdf"}},
		"of another format":   {[]cloudconvert.TaskRequest{src, cloudconvert.Convert{OutputFormat: "docx"}}, []string{"a.b.pdf"}},
		"without a source":    {[]cloudconvert.TaskRequest{cloudconvert.ImportRaw{File: "made.pdf", Filename: "e.txt"}, cloudconvert.Convert{OutputFormat: "docx"}}, []string{"made.pdf"}},
		"several":             {[]cloudconvert.TaskRequest{cloudconvert.FromBytes("a.txt", []byte("y-2.jpg y-1.jpg z.txt")), cloudconvert.Convert{OutputFormat: "jpg"}}, []string{"y-1.jpg", "y-2.jpg", "z.txt"}},
		"no stem in its name": {[]cloudconvert.TaskRequest{cloudconvert.FromBytes("..txt", []byte("made.pdf")), cloudconvert.Convert{OutputFormat: "pdf"}}, []string{"file.pdf"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.NewSandbox(t)
			several(server)
			server.Handle("merge", func(_ context.Context, run *cloudconverttest.Run) error { return run.Write("made.pdf", nil) })
			dir := t.TempDir()
			paths, err := server.Client().RunFile(t.Context(), cloudconvert.Pipeline(c.tasks...), filepath.Join(dir, "new")+string(filepath.Separator))
			require.NoError(t, err)
			assert.Equal(t, c.want, testkit.Listed(t, filepath.Join(dir, "new")))
			assert.Len(t, paths, len(c.want))
		})
	}
}

// Names that the request gives several files are known before the job is created.
func TestRunFileChecksNamesOfSeveralFilesBeforeTheJob(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "photo-200.jpg"), "mine")
	client, script := testkit.NewScript(t)
	tasks := cloudconvert.Tasks{"photo": cloudconvert.FromBytes("photo.png", []byte("x"))}
	for _, width := range []int{100, 200} {
		tasks[fmt.Sprintf("width-%d", width)] = cloudconvert.Thumbnail{
			Input: []string{"photo"}, OutputFormat: "jpg", Width: width, Filename: fmt.Sprintf("photo-%d.jpg", width),
		}
	}
	_, err := client.RunFile(t.Context(), &cloudconvert.JobRequest{Tasks: tasks}, dir+"/")
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "photo-200.jpg")
	assert.Empty(t, script.Bodies)
	work := cloudconvert.Work{Request: &cloudconvert.JobRequest{Tasks: tasks}, Destination: t.TempDir() + "/"}
	works := []cloudconvert.Work{work, work}
	works[1].Name = "another"
	refusing := testkit.NewClient(t, func(*http.Request) (int, string) { return http.StatusUnprocessableEntity, "{}" })
	for result := range refusing.RunAll(t.Context(), slices.Values(works)) {
		if result.Work.Name == "another" {
			require.ErrorContains(t, result.Err, "another work of the batch writes")
		}
	}
}

// A directory that does not exist yet cannot say that a name is too long.
func TestRunFileRefusesLongNameBeforeTheJob(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t)
	dst := filepath.Join(t.TempDir(), "missing", strings.Repeat("n", 300)+".pdf")
	_, err := client.RunFile(t.Context(), cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("x")), cloudconvert.Convert{OutputFormat: "pdf"}), dst)
	require.Error(t, err)
	_, unsaved := errors.AsType[*cloudconvert.UnsavedError](err)
	assert.False(t, unsaved)
	assert.Empty(t, script.Bodies)
}

// Files are renamed below an open directory, which takes the permission to read it.
func TestRunFileRefusesUnreadableDirectoryBeforeTheJob(t *testing.T) {
	t.Parallel()
	if os.Geteuid() <= 0 {
		t.Skip("nothing is protected from root, or by such permissions on Windows")
	}
	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, os.Mkdir(dir, 0o300))
	t.Cleanup(func() { assert.NoError(t, os.Chmod(dir, 0o700)) })
	client, script := testkit.NewScript(t)
	_, err := client.RunFile(t.Context(), cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("x")), cloudconvert.Convert{OutputFormat: "pdf"}), filepath.Join(dir, "a.pdf"))
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Empty(t, script.Bodies)
}
