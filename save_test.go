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
)

// echo serves the path of each address as its content, but for those given.
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

func overwriting() cloudconvert.Option {
	return cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Overwrite: true})
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

func TestSaveNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	paths, err := newDownloader(t).Save(t.Context(), dir)
	require.NoError(t, err)
	assert.Empty(t, paths)
	assert.NoDirExists(t, dir)
}

func TestSave(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := filepath.Join(t.TempDir(), "new", "dir")
	paths, err := newDownloader(t).Save(t.Context(), dir+"//.",
		storage.echoed("", "b.pdf", "/1"), storage.echoed("", "a.pdf", "/2"),
		storage.echoed("sub/sub", "a.pdf", "/3"), storage.echoed("sub", "c.pdf", "/4"))
	require.NoError(t, err)
	want := []string{"b.pdf", "a.pdf", filepath.Join("sub", "sub", "a.pdf"), filepath.Join("sub", "c.pdf")}
	for i, name := range want {
		want[i] = filepath.Join(dir, name)
		assert.Equal(t, fmt.Sprintf("/%d", i+1), read(t, want[i]))
	}
	assert.Equal(t, want, paths)
	assert.Equal(t, []string{"a.pdf", "b.pdf", "sub", "sub/c.pdf", "sub/sub", "sub/sub/a.pdf"}, listed(t, dir))
}

func TestSaveToTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	storage := echo(t, nil)
	for i, dir := range []string{"", "."} {
		name := fmt.Sprintf("%d.pdf", i)
		paths, err := newDownloader(t).Save(t.Context(), dir, storage.echoed("", name, "/1"))
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
			paths, err := newDownloader(t).Save(t.Context(), dir, storage.echoed(test.dir, test.name, "/content"))
			require.NoError(t, err)
			assert.Equal(t, []string{filepath.Join(dir, filepath.FromSlash(test.want))}, paths)
			assert.Equal(t, "/content", read(t, paths[0]))
			var files []string
			for _, name := range listed(t, outer) {
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
	paths, err := newDownloader(t).Save(t.Context(), dir, files...)
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
	client := newDownloader(t, overwriting())

	_, err := client.Save(t.Context(), dir, storage.echoed("sub", "file", "/1"))
	require.Error(t, err, "the directory leads out")
	_, err = client.Save(t.Context(), dir, storage.echoed("", "a.pdf", "/1"))
	require.NoError(t, err, "the link is replaced")
	assert.Equal(t, "/1", read(t, dir, "a.pdf"))
	assert.Equal(t, "untouched", read(t, outside, "file"))
	assert.Equal(t, []string{"file"}, listed(t, outside))
}

func TestSaveDoesNotOverwrite(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := t.TempDir()
	write(t, "mine", dir, "a.pdf")
	paths, err := newDownloader(t).Save(t.Context(), dir, storage.echoed("new", "b.pdf", "/1"), storage.echoed("", "a.pdf", "/2"))
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "a.pdf")
	assert.Empty(t, paths)
	assert.Equal(t, []string{"a.pdf"}, listed(t, dir))
	assert.Equal(t, "mine", read(t, dir, "a.pdf"))
	assert.Empty(t, storage.seen(), "nothing is fetched in vain")
}

func TestSaveOverwritesWhenAllowed(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := t.TempDir()
	write(t, "mine", dir, "a.pdf")
	_, err := newDownloader(t, overwriting()).Save(t.Context(), dir, storage.echoed("", "a.pdf", "/1"), storage.echoed("", "b.pdf", "/2"))
	require.NoError(t, err)
	assert.Equal(t, "/1", read(t, dir, "a.pdf"))
	assert.Equal(t, []string{"a.pdf", "b.pdf"}, listed(t, dir))
}

// Somebody else takes the name of one file while it is downloaded.
func TestSaveLosesARace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	storage := echo(t, map[string]http.HandlerFunc{"/2": func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, os.WriteFile(filepath.Join(dir, "b.pdf"), []byte("theirs"), 0o600))
		serve("/2", storageTag)(w, r)
	}})
	_, err := newDownloader(t).Save(t.Context(), dir,
		storage.echoed("sub", "a.pdf", "/1"), storage.echoed("", "b.pdf", "/2"), storage.echoed("", "c.pdf", "/3"))
	require.ErrorIs(t, err, fs.ErrExist)
	assert.Equal(t, []string{"b.pdf"}, listed(t, dir), "what was there already of this call is gone")
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
				before := listed(t, dir)
				storage := echo(t, map[string]http.HandlerFunc{"/2": failure})
				client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Overwrite: overwrite, Resumptions: 1, Parallel: 1}))
				paths, err := client.Save(t.Context(), dir,
					storage.echoed("", "a.pdf", "/1"), storage.echoed("sub", "b.pdf", "/2"), storage.echoed("sub/sub", "c.pdf", "/3"))
				failed := new(cloudconvert.Error)
				require.ErrorAs(t, err, &failed)
				noSecrets(t, err)
				assert.Empty(t, paths)
				assert.Equal(t, before, listed(t, dir))
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

// The error is the one that came first, not what it did to the others.
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
	_, err := newDownloader(t).Save(t.Context(), dir,
		storage.echoed("", "a.pdf", "/1"), storage.echoed("", "b.pdf", "/2"), storage.echoed("", "c.pdf", "/3"))
	require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	assert.Empty(t, listed(t, dir))
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
		<-full // fails by the time limit of the test if there are never enough
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
	paths, err := client.Save(t.Context(), dir, files...)
	require.NoError(t, err)
	for i, path := range paths {
		assert.Equal(t, fmt.Sprintf("/%d", i), read(t, path))
	}
	assert.Equal(t, parallel, most)
}

func TestSaveOfManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := t.TempDir()
	client := newDownloader(t)
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			_, errs[i] = client.Save(t.Context(), dir, storage.echoed("sub", "a.pdf", fmt.Sprintf("/%d", i)))
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
	assert.Equal(t, []string{"sub", "sub/a.pdf"}, listed(t, dir))
}

func TestSaveNeedsAllAddresses(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := filepath.Join(t.TempDir(), "new")
	_, err := newDownloader(t).Save(t.Context(), dir, storage.echoed("", "a.pdf", "/1"), cloudconvert.File{Filename: "b.pdf"})
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, err, `"b.pdf" has no address`)
	assert.Empty(t, storage.seen())
	assert.NoDirExists(t, dir)
}

func TestSaveNeedsADirectory(t *testing.T) {
	t.Parallel()
	storage := echo(t, nil)
	dir := t.TempDir()
	write(t, "mine", dir, "file")
	for _, where := range []string{filepath.Join(dir, "file"), filepath.Join(dir, "file", "sub")} {
		_, err := newDownloader(t).Save(t.Context(), where, storage.echoed("", "a.pdf", "/1"))
		require.ErrorContains(t, err, "cloudconvert: save")
	}
	_, err := newDownloader(t).Save(t.Context(), dir, storage.echoed("file", "a.pdf", "/1"))
	require.Error(t, err, "a file is where a directory should be")
	assert.Equal(t, []string{"file"}, listed(t, dir))
	assert.Empty(t, storage.seen())
}

func TestSaveWhenTheDirectoryDisappears(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a directory in use cannot be removed there")
	}
	dir := filepath.Join(t.TempDir(), "dir")
	file := content(300_000)
	storage := newStorage(t, func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, os.RemoveAll(dir))
		serve(file, storageTag)(w, r)
	})
	_, err := newDownloader(t).Save(t.Context(), dir, storage.file(len(file)))
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
	paths, err := newDownloader(t).Save(t.Context(), dir, storage.echoed("sub", "a.pdf", "/1"))
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
		paths, err := newDownloader(t, overwriting()).Save(t.Context(), dir, storage.echoed("", name, "/new"))
		require.NoError(t, err)
		info, err := os.Stat(paths[0])
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode())
		assert.Equal(t, "/new", read(t, paths[0]))
	}
}

// The paths that are returned lead to the files, or there is an error.
func TestSaveIntoADirectoryThatIsSwapped(t *testing.T) {
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
					client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Overwrite: overwrite}))
					paths, err := client.Save(t.Context(), dir, storage.echoed(sub, "a.pdf", "/1"), storage.echoed(sub, "b.pdf", "/2"))
					if name == "by its own" {
						require.NoError(t, err)
						assert.Equal(t, "/1", read(t, paths[0]))
						return
					}
					require.ErrorContains(t, err, "moved or replaced")
					require.NotErrorIs(t, err, fs.ErrExist)
					assert.False(t, cloudconvert.IsRetryable(err))
					assert.Empty(t, listed(t, dir+"-moved"), "what was written is removed")
					if name == "by a file in" {
						assert.Equal(t, "theirs", read(t, dir, "a.pdf"))
					}
				})
			}
		}
	}
}

func TestSaveTooLate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	storage := echo(t, nil)
	dir := t.TempDir()
	_, err := newDownloader(t).Save(ctx, dir, storage.echoed("sub", "a.pdf", "/1"))
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, listed(t, dir))
	assert.Empty(t, storage.seen())
}

// The whole way: a job of the sandbox, faults of its storage, and an address
// that has expired meanwhile.
func TestSaveFromTheSandbox(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	client := server.Client(cloudconvert.WithRetry(cloudconvert.RetryPolicy{MinWait: time.Millisecond}))
	text := strings.Repeat("some text\n", 10_000)
	job, err := client.Jobs.CreateAndWait(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
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
	paths, err := client.Save(t.Context(), dir, job.Files()...)
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, "a.txt")}, paths)
	same(t, text, read(t, paths[0]))
}

// A function of the caller's may end the goroutine that it is called from, as
// FailNow of a test does: what was not fetched is not taken for whole.
func TestSaveWhoseProgressEndsTheGoroutine(t *testing.T) {
	t.Parallel()
	server := newSandbox(t)
	client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Progress: func(p cloudconvert.Progress) {
		if p.Phase == cloudconvert.PhaseDownload {
			runtime.Goexit()
		}
	}}))
	dir := t.TempDir()
	job, err := client.Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte(content(2<<20))), "pdf")
	require.NoError(t, err)
	_, err = client.Save(t.Context(), dir, job.Files()...)
	require.ErrorContains(t, err, "ended")
	assert.Empty(t, listed(t, dir))
}
