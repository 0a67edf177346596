package cloudconvert_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// echo serves the path of each URL as its content, except for those in others.
func echo(t *testing.T, others map[string]http.HandlerFunc) *storage {
	t.Helper()
	return newStorage(t, func(w http.ResponseWriter, r *http.Request) {
		if other, found := others[r.URL.Path]; found {
			other(w, r)
			return
		}
		serve(r.URL.Path, storageTag)(w, r)
	})
}

// echoed returns a file whose content is its path.
func (s *storage) echoed(dir, name, path string) cloudconvert.File {
	return cloudconvert.File{Filename: name, Dir: dir, Size: int64(len(path)), URL: s.URL + path + signedQuery}
}

// overwriting returns WithOverwrite, or no options.
func overwriting(overwrite bool) []cloudconvert.RunOption {
	if !overwrite {
		return nil
	}
	return []cloudconvert.RunOption{cloudconvert.WithOverwrite()}
}

func write(t *testing.T, content string, path ...string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(path...), []byte(content), 0o600))
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(got)
}

func TestSaveWithoutFilesReturnsNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	paths, err := newDownloader(t).Save(t.Context(), dir, nil)
	require.NoError(t, err)
	assert.Empty(t, paths)
	assert.NoDirExists(t, dir)
}

func TestSave(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := filepath.Join(t.TempDir(), "new", "dir")
	paths, err := newDownloader(t).Save(t.Context(), dir+"//.", []cloudconvert.File{
		storage.echoed("", "b.pdf", "/1"), storage.echoed("", "a.pdf", "/2"),
		storage.echoed("sub/sub", "a.pdf", "/3"), storage.echoed("sub", "c.pdf", "/4"),
	})
	require.NoError(t, err)
	want := []string{"b.pdf", "a.pdf", filepath.Join("sub", "sub", "a.pdf"), filepath.Join("sub", "c.pdf")}
	for i, name := range want {
		want[i] = filepath.Join(dir, name)
		assert.Equal(t, fmt.Sprintf("/%d", i+1), read(t, want[i]))
	}
	assert.Equal(t, want, paths)
	assert.Equal(t, []string{"a.pdf", "b.pdf", "sub", "sub/c.pdf", "sub/sub", "sub/sub/a.pdf"}, testkit.Listed(t, dir))
}

func TestSaveToTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	storage := echo(t, nil)
	for i, dir := range []string{"", "."} {
		name := fmt.Sprintf("%d.pdf", i)
		paths, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.echoed("", name, "/1")})
		require.NoError(t, err)
		assert.Equal(t, []string{name}, paths)
		assert.Equal(t, "/1", read(t, name))
	}
}

func TestSaveUnderSafeNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 300)
	tests := map[string]struct{ dir, name, want string }{
		"upwards":           {"", "../../x", "x"},
		"upwards in dir":    {"../../up", "x", "up/x"},
		"absolute":          {"/etc", "/etc/passwd", "etc/passwd"},
		"windows":           {"", `C:\x`, "x"},
		"windows dir":       {`C:\Windows`, `..\x.dll`, "C_/Windows/x.dll"},
		"device":            {"", "con.txt", "_con.txt"},
		"directory in name": {"", "a/b", "b"},
		"too long":          {"", long + ".pdf", long[:238] + ".pdf"},
		"empty":             {"", "", "file"},
		"dots":              {"..", "..", "file"},
		"control":           {"", "a\x00\nb", "a__b"},
		"hidden":            {".ssh", ".profile", "ssh/profile"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outer := t.TempDir()
			dir := filepath.Join(outer, "a", "b", "c")
			storage := echo(t, nil)
			paths, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.echoed(test.dir, test.name, "/content")})
			require.NoError(t, err)
			assert.Equal(t, []string{filepath.Join(dir, filepath.FromSlash(test.want))}, paths)
			assert.Equal(t, "/content", read(t, paths[0]))
			var files []string
			for _, name := range testkit.Listed(t, outer) {
				if info, err := os.Stat(filepath.Join(outer, name)); assert.NoError(t, err) && !info.IsDir() {
					files = append(files, name)
				}
			}
			assert.Equal(t, []string{"a/b/c/" + test.want}, files, "nothing else, nowhere")
		})
	}
}

func TestSaveUnderDistinctNames(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := t.TempDir()
	given := [][2]string{{"", "a.pdf"}, {"", "a.pdf"}, {"", "A.PDF"}, {"x", "a.pdf"}, {"", "x/a.pdf"}, {"", "x"}, {"x", "y"}, {"x/y", "z"}}
	want := []string{"a.pdf", "a (2).pdf", "A (3).PDF", "x/a.pdf", "a (4).pdf", "x (2)", "x/y (2)", "x/y/z"}
	var files []cloudconvert.File
	for i, name := range given {
		files = append(files, storage.echoed(name[0], name[1], fmt.Sprintf("/%d", i)))
	}
	paths, err := newDownloader(t).Save(t.Context(), dir, files)
	require.NoError(t, err)
	require.Len(t, paths, len(want))
	for i, name := range want {
		assert.Equal(t, filepath.Join(dir, filepath.FromSlash(name)), paths[i])
		assert.Equal(t, fmt.Sprintf("/%d", i), read(t, paths[i]))
	}
}

func TestSaveDoesNotFollowLinks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	outer := t.TempDir()
	dir, outside := filepath.Join(outer, "dir"), filepath.Join(outer, "outside")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.MkdirAll(outside, 0o700))
	write(t, "untouched", outside, "file")
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "sub")))
	require.NoError(t, os.Symlink(filepath.Join(outside, "file"), filepath.Join(dir, "a.pdf")))
	storage := echo(t, nil)
	client := newDownloader(t)

	_, err := client.Save(t.Context(), dir, []cloudconvert.File{storage.echoed("sub", "file", "/1")}, cloudconvert.WithOverwrite())
	require.Error(t, err, "the directory leads out")
	_, err = client.Save(t.Context(), dir, []cloudconvert.File{storage.echoed("", "a.pdf", "/1")}, cloudconvert.WithOverwrite())
	require.NoError(t, err, "the link is replaced")
	assert.Equal(t, "/1", read(t, dir, "a.pdf"))
	assert.Equal(t, "untouched", read(t, outside, "file"))
	assert.Equal(t, []string{"file"}, testkit.Listed(t, outside))
}

func TestSaveDoesNotOverwrite(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := t.TempDir()
	write(t, "mine", dir, "a.pdf")
	paths, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.echoed("new", "b.pdf", "/1"), storage.echoed("", "a.pdf", "/2")})
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "a.pdf")
	assert.Empty(t, paths)
	assert.Equal(t, []string{"a.pdf"}, testkit.Listed(t, dir))
	assert.Equal(t, "mine", read(t, dir, "a.pdf"))
	assert.Empty(t, storage.seen(), "no file is fetched")
}

func TestSaveOverwritesWhenAllowed(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := t.TempDir()
	write(t, "mine", dir, "a.pdf")
	_, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.echoed("", "a.pdf", "/1"), storage.echoed("", "b.pdf", "/2")}, cloudconvert.WithOverwrite())
	require.NoError(t, err)
	assert.Equal(t, "/1", read(t, dir, "a.pdf"))
	assert.Equal(t, []string{"a.pdf", "b.pdf"}, testkit.Listed(t, dir))
}

// Another process takes the name of one file during the download.
func TestSaveDoesNotOverwriteFileCreatedMeanwhile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	storage := echo(t, map[string]http.HandlerFunc{"/2": func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, os.WriteFile(filepath.Join(dir, "b.pdf"), []byte("theirs"), 0o600))
		serve("/2", storageTag)(w, r)
	}})
	_, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{
		storage.echoed("sub", "a.pdf", "/1"), storage.echoed("", "b.pdf", "/2"), storage.echoed("", "c.pdf", "/3"),
	})
	require.ErrorIs(t, err, fs.ErrExist)
	assert.Equal(t, []string{"b.pdf"}, testkit.Listed(t, dir), "what was there already of this call is gone")
	assert.Equal(t, "theirs", read(t, dir, "b.pdf"))
}

func TestSaveAllOrNothing(t *testing.T) {
	t.Parallel()
	failures := map[string]http.HandlerFunc{
		"gone":         plain(http.StatusNotFound, nil, ""),
		"wrong length": serve("/too-long", storageTag),
		"never whole":  cut(plain(http.StatusOK, nil, "/2"), 1),
	}
	for name, failure := range failures {
		for _, overwrite := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, overwrite %t", name, overwrite), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				write(t, "mine", dir, "kept")
				if overwrite {
					write(t, "mine", dir, "a.pdf")
				}
				before := testkit.Listed(t, dir)
				storage := echo(t, map[string]http.HandlerFunc{"/2": failure})
				client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 1, Parallel: 1}))
				paths, err := client.Save(t.Context(), dir, []cloudconvert.File{
					storage.echoed("", "a.pdf", "/1"), storage.echoed("sub", "b.pdf", "/2"), storage.echoed("sub/sub", "c.pdf", "/3"),
				}, overwriting(overwrite)...)
				failed := new(cloudconvert.Error)
				require.ErrorAs(t, err, &failed)
				noSecrets(t, err)
				assert.Empty(t, paths)
				assert.Equal(t, before, testkit.Listed(t, dir))
				if overwrite {
					assert.Equal(t, "mine", read(t, dir, "a.pdf"), "no file is replaced unless all are")
				}
				for _, r := range storage.seen() {
					assert.NotEqual(t, "/3", r.URL.Path, "nothing more is fetched")
				}
			})
		}
	}
}

// The error is that of the first file that failed, not of those cancelled by it.
func TestSaveReportsTheCause(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	wait := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "2")
		_, _ = io.WriteString(w, "/")
		w.(http.Flusher).Flush()
		begun <- struct{}{}
		<-r.Context().Done()
	}
	storage := echo(t, map[string]http.HandlerFunc{"/1": wait, "/2": wait, "/3": func(w http.ResponseWriter, r *http.Request) {
		<-begun
		<-begun
		http.NotFound(w, r)
	}})
	dir := t.TempDir()
	_, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{
		storage.echoed("", "a.pdf", "/1"), storage.echoed("", "b.pdf", "/2"), storage.echoed("", "c.pdf", "/3"),
	})
	require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	assert.Empty(t, testkit.Listed(t, dir))
}

func TestSaveInParallel(t *testing.T) {
	t.Parallel()
	const parallel, count = 3, 9
	var mu sync.Mutex
	var now, most int
	full := make(chan struct{})
	storage := newStorage(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		if now == parallel && len(full) == 0 {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		mu.Unlock()
		<-full // blocks until the test times out if there are never enough
		serve(r.URL.Path, storageTag)(w, r)
		mu.Lock()
		now--
		mu.Unlock()
	})
	var files []cloudconvert.File
	for i := range count {
		files = append(files, storage.echoed("", fmt.Sprintf("%d.pdf", i), fmt.Sprintf("/%d", i)))
	}
	dir := t.TempDir()
	client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Parallel: parallel}))
	paths, err := client.Save(t.Context(), dir, files)
	require.NoError(t, err)
	for i, path := range paths {
		assert.Equal(t, fmt.Sprintf("/%d", i), read(t, path))
	}
	assert.Equal(t, parallel, most)
}

func TestSaveConcurrently(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := t.TempDir()
	client := newDownloader(t)
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			_, errs[i] = client.Save(t.Context(), dir, []cloudconvert.File{storage.echoed("sub", "a.pdf", fmt.Sprintf("/%d", i))})
		})
	}
	group.Wait()
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			assert.Equal(t, fmt.Sprintf("/%d", i), read(t, dir, "sub", "a.pdf"))
			continue
		}
		require.ErrorIs(t, err, fs.ErrExist)
	}
	assert.Equal(t, 1, winners)
	assert.Equal(t, []string{"sub", "sub/a.pdf"}, testkit.Listed(t, dir))
}

func TestSaveNeedsAllURLs(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := filepath.Join(t.TempDir(), "new")
	_, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.echoed("", "a.pdf", "/1"), {Filename: "b.pdf"}})
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, err, `"b.pdf" has no URL`)
	assert.Empty(t, storage.seen())
	assert.NoDirExists(t, dir)
}

func TestSaveNeedsADirectory(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := t.TempDir()
	write(t, "mine", dir, "file")
	for _, where := range []string{filepath.Join(dir, "file"), filepath.Join(dir, "file", "sub")} {
		_, err := newDownloader(t).Save(t.Context(), where, []cloudconvert.File{storage.echoed("", "a.pdf", "/1")})
		require.ErrorContains(t, err, "cloudconvert: save")
	}
	_, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.echoed("file", "a.pdf", "/1")})
	require.Error(t, err, "a file is where a directory should be")
	assert.Equal(t, []string{"file"}, testkit.Listed(t, dir))
	assert.Empty(t, storage.seen())
}

func TestSaveWhenTheDirectoryDisappears(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a directory in use cannot be removed there")
	}
	dir := filepath.Join(t.TempDir(), "dir")
	file := testkit.Content(300_000)
	storage := newStorage(t, func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, os.RemoveAll(dir))
		serve(file, storageTag)(w, r)
	})
	_, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.file(len(file))})
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.NoDirExists(t, dir)
}

func TestSavePermissionsFollowTheUmask(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are none")
	}
	storage := echo(t, nil)
	dir := filepath.Join(t.TempDir(), "new")
	paths, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.echoed("sub", "a.pdf", "/1")})
	require.NoError(t, err)
	model := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(model, "dir"), 0o777))
	file, err := os.Create(filepath.Join(model, "file"))
	require.NoError(t, err)
	require.NoError(t, file.Close())
	for path, like := range map[string]string{dir: "dir", filepath.Dir(paths[0]): "dir", paths[0]: "file"} {
		got, err := os.Stat(path)
		require.NoError(t, err)
		want, err := os.Stat(filepath.Join(model, like))
		require.NoError(t, err)
		assert.Equal(t, want.Mode(), got.Mode(), path)
	}
}

func TestSaveKeepsThePermissionsOfReplacedFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are none")
	}
	dir := t.TempDir()
	storage := echo(t, nil)
	for name, mode := range map[string]fs.FileMode{"private.pdf": 0o600, "shared.pdf": 0o664, "run.pdf": 0o755} {
		write(t, "old", dir, name)
		require.NoError(t, os.Chmod(filepath.Join(dir, name), mode))
		paths, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.echoed("", name, "/new")}, cloudconvert.WithOverwrite())
		require.NoError(t, err)
		info, err := os.Stat(paths[0])
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode())
		assert.Equal(t, "/new", read(t, paths[0]))
	}
}

// The directory is replaced during the download. The paths lead to the files, or there
// is an error.
func TestSaveReturnsPathsOfTheFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a directory in use cannot be moved there")
	}
	elsewhere := t.TempDir()
	for name, swap := range map[string]func(dir string) error{
		"moved":      func(string) error { return nil },
		"by another": func(dir string) error { return os.Mkdir(dir, 0o700) },
		"by a link":  func(dir string) error { return os.Symlink(elsewhere, dir) },
		"by its own": func(dir string) error { return os.Symlink(dir+"-moved", dir) },
		"by a file":  func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
		"by a file in": func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "a.pdf"), []byte("theirs"), 0o600))
		},
	} {
		for _, overwrite := range []bool{false, true} {
			for _, sub := range []string{"", "sub"} {
				t.Run(fmt.Sprintf("%s, overwrite %t, %q", name, overwrite, sub), func(t *testing.T) {
					t.Parallel()
					dir := filepath.Join(t.TempDir(), "dir")
					storage := echo(t, map[string]http.HandlerFunc{"/1": func(w http.ResponseWriter, r *http.Request) {
						assert.NoError(t, os.Rename(dir, dir+"-moved"))
						assert.NoError(t, swap(dir))
						serve("/1", storageTag)(w, r)
					}})
					paths, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.echoed(sub, "a.pdf", "/1"), storage.echoed(sub, "b.pdf", "/2")}, overwriting(overwrite)...)
					if name == "by its own" {
						require.NoError(t, err)
						assert.Equal(t, "/1", read(t, paths[0]))
						return
					}
					require.ErrorContains(t, err, "moved or replaced")
					require.NotErrorIs(t, err, fs.ErrExist)
					assert.False(t, cloudconvert.IsRetryable(err))
					assert.Empty(t, testkit.Listed(t, dir+"-moved"), "what was written is removed")
					if name == "by a file in" {
						assert.Equal(t, "theirs", read(t, dir, "a.pdf"))
					}
				})
			}
		}
	}
}

func TestSaveSendsNothingAfterItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	storage := echo(t, nil)
	dir := t.TempDir()
	_, err := newDownloader(t).Save(ctx, dir, []cloudconvert.File{storage.echoed("sub", "a.pdf", "/1")})
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, testkit.Listed(t, dir))
	assert.Empty(t, storage.seen())
}

// A job of the sandbox, faults of its storage, and a URL that has expired.
func TestSaveFromTheSandbox(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	client := server.Client(cloudconvert.WithRetry(cloudconvert.RetryPolicy{MinWait: time.Millisecond}))
	text := strings.Repeat("some text\n", 10_000)
	job, err := client.Run(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"import": cloudconvert.ImportRaw{File: text, Filename: "a.txt"},
		"export": cloudconvert.ExportURL{Input: []string{"import"}},
	}})
	require.NoError(t, err)
	require.Len(t, job.Files(), 1)
	assert.Equal(t, int64(len(text)), job.Files()[0].Size)

	server.Advance(23*time.Hour + 59*time.Minute)
	server.Inject(cloudconverttest.Fault{Path: "storage:download", Kind: cloudconverttest.Truncate, Nth: 1})
	server.Inject(cloudconverttest.Fault{Path: "storage:download", Kind: cloudconverttest.Reset, Nth: 2})
	server.Inject(cloudconverttest.Fault{
		Path: "storage:download", Nth: 3, Status: http.StatusForbidden, Code: "AccessDenied", Message: "Request has expired",
	})
	dir := t.TempDir()
	paths, err := client.Save(t.Context(), dir, job.Files())
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, "a.txt")}, paths)
	testkit.Same(t, text, read(t, paths[0]))
}

func TestSaveReportsProgress(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	var ofCall, ofClient reports
	client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Progress: ofClient.add}))
	files := []cloudconvert.File{storage.echoed("", "a.pdf", "/1")}
	want := cloudconvert.Progress{Phase: cloudconvert.PhaseDownload, Name: "a.pdf", Done: 2, Total: 2}

	_, err := client.Save(t.Context(), t.TempDir(), files, cloudconvert.WithProgress(ofCall.add))
	require.NoError(t, err)
	require.NotEmpty(t, ofCall.all)
	assert.Equal(t, want, ofCall.all[len(ofCall.all)-1])
	assert.Empty(t, ofClient.all, "the option takes its place")

	_, err = client.Save(t.Context(), t.TempDir(), files)
	require.NoError(t, err)
	require.NotEmpty(t, ofClient.all)
	assert.Equal(t, want, ofClient.all[len(ofClient.all)-1])

	ofCall.all = nil
	_, err = client.SaveAs(t.Context(), finishedJob(files...), filepath.Join(t.TempDir(), "b.pdf"), cloudconvert.WithProgress(ofCall.add))
	require.NoError(t, err)
	require.NotEmpty(t, ofCall.all)
	assert.Equal(t, want, ofCall.all[len(ofCall.all)-1])
}

// savers are the calls that save files. Both get a directory.
var savers = map[string]func(ctx context.Context, client *cloudconvert.Client, dir string, file cloudconvert.File, opts ...cloudconvert.RunOption) error{
	"Save": func(ctx context.Context, client *cloudconvert.Client, dir string, file cloudconvert.File, opts ...cloudconvert.RunOption) error {
		_, err := client.Save(ctx, dir, []cloudconvert.File{file}, opts...)
		return err
	},
	"SaveAs": func(ctx context.Context, client *cloudconvert.Client, dir string, file cloudconvert.File, opts ...cloudconvert.RunOption) error {
		_, err := client.SaveAs(ctx, finishedJob(file), dir+"/", opts...)
		return err
	},
}

func TestSaveRefusesOptionsOfJobs(t *testing.T) {
	t.Parallel()
	refused := map[string]cloudconvert.RunOption{
		"WithSignal":         cloudconvert.WithSignal(newSignal()),
		"WithDeleteOnCancel": cloudconvert.WithDeleteOnCancel(),
		"WithPendingUpload":  cloudconvert.WithPendingUpload(),
		"WithInlineLimit":    cloudconvert.WithInlineLimit(0),
		"WithQueueing":       cloudconvert.WithQueueing(),
		"WithHeader":         cloudconvert.WithHeader("X-Test", "1"),
		"CaptureResponse":    cloudconvert.CaptureResponse(new(cloudconvert.Response)),
	}
	for name, save := range savers {
		for option, opt := range refused {
			t.Run(name+"/"+option, func(t *testing.T) {
				t.Parallel()
				storage := echo(t, nil)
				dir := filepath.Join(t.TempDir(), "new")
				err := save(t.Context(), newDownloader(t), dir, storage.echoed("", "a.pdf", "/1"), cloudconvert.WithOverwrite(), opt)
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				require.ErrorContains(t, err, option)
				assert.NotContains(t, err.Error(), "WithOverwrite")
				assert.Empty(t, storage.seen())
				assert.NoDirExists(t, dir)
			})
		}
	}
	_, err := newDownloader(t).Save(t.Context(), t.TempDir(), nil, cloudconvert.WithDelete())
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, err, "SaveAs", "which knows the job")
}

// finishedJob is a job that has exported files.
func finishedJob(files ...cloudconvert.File) *cloudconvert.Job {
	return &cloudconvert.Job{ID: "job-1", Tag: "invoice-42", Status: cloudconvert.StatusFinished, Tasks: []cloudconvert.Task{{
		ID: "task-1", Name: "export", Operation: cloudconvert.OperationExportURL, Status: cloudconvert.StatusFinished,
		Result: cloudconvert.TaskResult{Files: files},
	}}}
}

func TestSaveAsNamesFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dst         string
		files, want []string
	}{
		"one file":                    {"out.pdf", []string{"report.pdf"}, []string{"out.pdf"}},
		"one of another extension":    {"out.bin", []string{"report.pdf"}, []string{"out.bin"}},
		"in missing directories":      {"a/b/out.pdf", []string{"report.pdf"}, []string{"a/b/out.pdf"}},
		"a directory":                 {"a/b/", []string{"report.pdf"}, []string{"a/b/report.pdf"}},
		"a directory, several files":  {"a/", []string{"p-1.jpg", "p-2.jpg"}, []string{"a/p-1.jpg", "a/p-2.jpg"}},
		"a directory, an unsafe name": {"a/", []string{"../../x.pdf"}, []string{"a/x.pdf"}},
		"pages":                       {"out.jpg", []string{"p-1.jpg", "p-2.jpg", "p-10.jpg"}, []string{"out-1.jpg", "out-2.jpg", "out-10.jpg"}},
		"pages out of order":          {"out.jpg", []string{"p-10.jpg", "p-2.jpg"}, []string{"out-10.jpg", "out-2.jpg"}},
		"pages of 2024":               {"out.jpg", []string{"2024 p3.jpg", "2024 p4.jpg"}, []string{"out-3.jpg", "out-4.jpg"}},
		"two numbers":                 {"out.jpg", []string{"1-1.jpg", "2-2.jpg"}, []string{"out-1.jpg", "out-2.jpg"}},
		"no numbers":                  {"out.jpg", []string{"b.jpg", "a.jpg"}, []string{"out-1.jpg", "out-2.jpg"}},
		"the same name":               {"out.jpg", []string{"p-7.jpg", "p-7.jpg"}, []string{"out-1.jpg", "out-2.jpg"}},
		"a page and its images":       {"out.html", []string{"page1.png", "page.html", "page2.png"}, []string{"page1.png", "out.html", "page2.png"}},
		"none of the extension":       {"out.pdf", []string{"a.png", "b.png"}, []string{"a.png", "b.png"}},
		"another spelling":            {"out.jpg", []string{"a.html", "a.JPEG"}, []string{"a.html", "out.jpg"}},
		"another is called so":        {"a.html", []string{"b.html", "c.png", "a.html"}, []string{"a-1.html", "c.png", "a-2.html"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			storage := echo(t, nil)
			var files []cloudconvert.File
			var want []string
			for i, name := range c.files {
				files = append(files, storage.echoed("", name, fmt.Sprintf("/%d", i)))
				want = append(want, filepath.Join(dir, filepath.FromSlash(c.want[i])))
			}
			paths, err := newDownloader(t).SaveAs(t.Context(), finishedJob(files...), dir+"/"+c.dst)
			require.NoError(t, err)
			assert.Equal(t, want, paths)
			for i, path := range paths {
				assert.Equal(t, fmt.Sprintf("/%d", i), read(t, path))
			}
			for _, name := range testkit.Listed(t, dir) {
				assert.NotContains(t, name, ".part")
			}
		})
	}
}

// A finished job is paid for: the error has it, and the next call saves its files.
func TestSaveAsContinuesAnUnsavedJob(t *testing.T) {
	t.Parallel()
	for name, obstruct := range map[string]func(t *testing.T, dir string) (dst string, want error){
		"the file exists": func(t *testing.T, dir string) (string, error) {
			t.Helper()
			write(t, "mine", dir, "out.pdf")
			return filepath.Join(dir, "out.pdf"), fs.ErrExist
		},
		"one of several exists": func(t *testing.T, dir string) (string, error) {
			t.Helper()
			write(t, "mine", dir, "a.pdf")
			return dir + "/", fs.ErrExist
		},
		"a file is in the way": func(t *testing.T, dir string) (string, error) {
			t.Helper()
			write(t, "mine", dir, "file")
			return filepath.Join(dir, "file", "out.pdf"), nil
		},
		"a directory is in the way": func(t *testing.T, dir string) (string, error) {
			t.Helper()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "a.pdf"), 0o700))
			return dir + "/", fs.ErrExist
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			dst, want := obstruct(t, dir)
			before := testkit.Listed(t, dir)
			storage := echo(t, nil)
			client := newDownloader(t)
			job := finishedJob(storage.echoed("", "a.pdf", "/1"))
			paths, err := client.SaveAs(t.Context(), job, dst)
			assert.Empty(t, paths)
			unsaved := new(cloudconvert.UnsavedError)
			require.ErrorAs(t, err, &unsaved)
			assert.Same(t, job, unsaved.Job)
			assert.Equal(t, dst, unsaved.Destination)
			assert.False(t, cloudconvert.IsRetryable(err))
			require.ErrorContains(t, err, "job-1")
			if want != nil {
				require.ErrorIs(t, err, want)
			}
			assert.Empty(t, storage.seen(), "no file is fetched")
			assert.Equal(t, before, testkit.Listed(t, dir))

			paths, err = client.SaveAs(t.Context(), unsaved.Job, filepath.Join(dir, "other.pdf"))
			require.NoError(t, err)
			assert.Equal(t, "/1", read(t, paths[0]))
		})
	}
}

func TestSaveAsAllOrNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, "mine", dir, "out-1.pdf")
	before := testkit.Listed(t, dir)
	storage := echo(t, map[string]http.HandlerFunc{"/2": plain(http.StatusServiceUnavailable, nil, "")})
	client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 1}))
	job := finishedJob(storage.echoed("", "p1.pdf", "/1"), storage.echoed("", "p2.pdf", "/2"))
	_, err := client.SaveAs(t.Context(), job, filepath.Join(dir, "out.pdf"), cloudconvert.WithOverwrite())
	unsaved := new(cloudconvert.UnsavedError)
	require.ErrorAs(t, err, &unsaved)
	require.ErrorIs(t, err, cloudconvert.ErrServer)
	assert.False(t, cloudconvert.IsRetryable(err), "another job would be paid for again")
	noSecrets(t, err)
	assert.Equal(t, before, testkit.Listed(t, dir))
	assert.Equal(t, "mine", read(t, dir, "out-1.pdf"))
}

func TestSaveAsOverwritesWhenAllowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, "mine", dir, "out.pdf")
	storage := echo(t, nil)
	paths, err := newDownloader(t).SaveAs(t.Context(), finishedJob(storage.echoed("", "a.pdf", "/1")),
		filepath.Join(dir, "out.pdf"), cloudconvert.WithOverwrite())
	require.NoError(t, err)
	assert.Equal(t, "/1", read(t, paths[0]))
	assert.Equal(t, []string{"out.pdf"}, testkit.Listed(t, dir))
}

func TestSaveAsRefusesInvalidCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	t.Cleanup(func() { assert.Empty(t, testkit.Listed(t, dir)) }) // a check of the directory makes a file for a moment
	storage := echo(t, nil)
	job := finishedJob(storage.echoed("", "a.pdf", "/1"))
	for name, c := range map[string]struct {
		job       *cloudconvert.Job
		dst, want string
	}{
		"no job":              {nil, filepath.Join(dir, "a.pdf"), "the job is nil"},
		"no destination":      {job, "", "the destination is empty"},
		"no separator":        {job, dir, "is a directory"},
		"a dot":               {job, dir + "/new/.", "is a directory"},
		"two dots":            {job, dir + "/new/..", "is a directory"},
		"a job that goes on":  {&cloudconvert.Job{ID: "job-1", Status: cloudconvert.StatusProcessing}, dir + "/", "has no files yet"},
		"a job without files": {&cloudconvert.Job{ID: "job-1", Status: cloudconvert.StatusFinished}, dir + "/", "has no exported files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paths, err := newDownloader(t).SaveAs(t.Context(), c.job, c.dst)
			require.ErrorContains(t, err, c.want)
			assert.Empty(t, paths)
			assert.False(t, cloudconvert.IsRetryable(err))
			if name != "a job without files" {
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			}
		})
	}
	assert.Empty(t, storage.seen())
}

func TestSaveAsDeletesTheJobWhenItsFilesAreSaved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault *cloudconverttest.Fault
		exist bool // the file is in the way
	}{
		"saved":                  {},
		"deleted already":        {fault: &cloudconverttest.Fault{Method: http.MethodDelete, Status: http.StatusNotFound}},
		"not saved":              {exist: true},
		"deletion is not served": {fault: &cloudconverttest.Fault{Method: http.MethodDelete, Status: http.StatusServiceUnavailable}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				job, err := server.Client().Run(t.Context(), testkit.TextJob())
				require.NoError(t, err)
				dst := filepath.Join(t.TempDir(), "out.txt")
				if c.exist {
					testkit.WriteFile(t, dst, "mine")
				}
				if c.fault != nil {
					server.Inject(*c.fault)
				}
				paths, err := server.Client().SaveAs(t.Context(), job, dst, cloudconvert.WithDelete())
				switch {
				case c.exist:
					require.ErrorIs(t, err, fs.ErrExist)
					assert.Equal(t, 1, testkit.JobCount(server), "the files can still be fetched")
					return
				case c.fault != nil && c.fault.Status == http.StatusServiceUnavailable:
					require.ErrorIs(t, err, cloudconvert.ErrServer)
					require.ErrorContains(t, err, job.ID)
					assert.False(t, cloudconvert.IsRetryable(err), "the files are there")
				default:
					require.NoError(t, err)
				}
				assert.Equal(t, []string{dst}, paths)
				assert.Equal(t, "text", testkit.ReadFile(t, dst))
				assert.Equal(t, c.fault != nil, testkit.JobCount(server) == 1)
			})
		})
	}
}
