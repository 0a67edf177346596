package cloudconverttest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// service is a storage service as its tasks name it.
type service struct {
	name                string
	bucket, key, prefix string
	account             dict
}

var services = []service{
	{"s3", "bucket", "key", "key_prefix", dict{"region": "r", "access_key_id": "id", "secret_access_key": "secret"}},
	{"azure/blob", "container", "blob", "blob_prefix", dict{"storage_account": "a", "sas_token": "secret"}},
	{"google-cloud-storage", "bucket", "file", "file_prefix", dict{"project_id": "p", "client_email": "e", "private_key": "secret"}},
	{"openstack", "container", "file", "file_prefix", dict{"auth_url": "u", "username": "u", "password": "secret", "region": "r"}},
	{"sftp", "host", "file", "path", dict{"username": "u", "password": "secret"}},
}

var s3 = services[0]

// export exports files, in the order a, b, c, to a bucket.
func (s service) export(x *tester, bucket string, params dict, files ...string) dict {
	x.t.Helper()
	tasks := dict{}
	var inputs []string
	for i, file := range files {
		name, content, _ := strings.Cut(file, "=")
		task := string(rune('a' + i))
		inputs = append(inputs, task)
		tasks[task] = dict{"operation": "import/raw", "file": content, "filename": name}
	}
	out := dict{"operation": "export/" + s.name, "input": inputs, s.bucket: bucket}
	maps.Copy(out, s.account)
	maps.Copy(out, params)
	tasks["out"] = out
	job := x.run(tasks)
	x.call("DELETE", "/jobs/"+str(job["id"]), nil).expect(204)
	return taskOf(x.t, job, "out")
}

// load imports objects of a bucket. It returns their contents by filename, or the message
// of the failed task.
func (s service) load(x *tester, bucket string, params dict) (files map[string]string, message string) {
	x.t.Helper()
	in := dict{"operation": "import/" + s.name, s.bucket: bucket}
	maps.Copy(in, s.account)
	maps.Copy(in, params)
	task, contents := x.results(dict{"it": in})
	if task["status"] != "finished" {
		assert.Equal(x.t, "DOWNLOAD_FAILED", task["code"])
		return nil, str(task["message"])
	}
	files = map[string]string{}
	for name, content := range contents {
		files[name] = string(content)
	}
	return files, ""
}

// stores runs a test with objects in memory and with objects in a folder.
func stores(t *testing.T, test func(x *tester)) {
	t.Helper()
	t.Run("kept", func(t *testing.T) { t.Parallel(); test(newTester(t)) })
	t.Run("folder", func(t *testing.T) { t.Parallel(); test(newTester(t, WithObjects(t.TempDir()))) })
}

func TestExportedObjects(t *testing.T) {
	t.Parallel()
	for _, s := range services {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			stores(t, func(x *tester) {
				done := func(task dict) {
					x.t.Helper()
					require.Equal(x.t, "finished", task["status"], "%v", task)
				}
				loaded := func(params dict, want map[string]string) {
					x.t.Helper()
					files, message := s.load(x, "b", params)
					assert.Empty(x.t, message)
					assert.Equal(x.t, want, files)
				}
				out := s.export(x, "b", nil, "plain.txt=1")
				done(out)
				assert.Equal(x.t, []dict{{"filename": "plain.txt", "size": 1.0}}, filesOf(out))
				loaded(dict{s.key: "plain.txt"}, map[string]string{"plain.txt": "1"})

				done(s.export(x, "b", dict{s.key: "docs/other.txt"}, "a.txt=2"))
				loaded(dict{s.key: "docs/other.txt"}, map[string]string{"other.txt": "2"})
				loaded(dict{s.key: "docs/other.txt", "filename": "named.md"}, map[string]string{"named.md": "2"})

				done(s.export(x, "b", dict{s.key: "pages/p-%02d.txt"}, "x.txt=3", "x.txt=4"))
				loaded(dict{s.prefix: "pages/"}, map[string]string{"p-01.txt": "3", "p-02.txt": "4"})

				done(s.export(x, "b", dict{s.prefix: "docs/"}, "a.txt=5", "b.txt=6"))
				loaded(dict{s.prefix: "docs/"}, map[string]string{"a.txt": "5", "b.txt": "6", "other.txt": "2"})

				done(s.export(x, "b", dict{s.key: "docs/a.txt"}, "b.txt=longer"))
				done(s.export(x, "b", dict{s.key: "docs/b.txt"}, "b.txt=7"))
				loaded(dict{s.prefix: "docs/"}, map[string]string{"a.txt": "longer", "b.txt": "7", "other.txt": "2"})

				for _, params := range []dict{{s.key: "doc"}, {s.key: "none.txt"}, {s.prefix: "none/"}, {s.prefix: "docs/none/"}} {
					_, message := s.load(x, "b", params)
					assert.Contains(x.t, message, "Download failed: there is no such object: ", "%v", params)
				}
				_, message := s.load(x, "another", dict{s.key: "plain.txt"})
				assert.Equal(x.t,
					fmt.Sprintf(`Download failed: there is no such object: %s "plain.txt" in %s "another"`, s.key, s.bucket), message)
			})
		})
	}
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	stores(t, func(x *tester) {
		for _, key := range []string{"a-1.txt", "a-2.txt", "a-dir/3.txt", "b.txt", "c/a-4.txt"} {
			s3.export(x, "b", dict{"key": key}, "x.txt=x")
		}
		for prefix, want := range map[string]int{"a-": 3, "a-d": 1, "a-dir": 1, "a-dir/": 1, "c": 1, "c/a": 1, "b.txt": 1} {
			files, message := s3.load(x, "b", dict{"key_prefix": prefix})
			assert.Len(x.t, files, want, "%s: %s", prefix, message)
		}
		files, _ := s3.load(x, "b", dict{"key_prefix": "b", "filename": "renamed.txt"})
		assert.Equal(x.t, map[string]string{"renamed.txt": "x"}, files)

		sftp := services[4]
		sftp.export(x, "h", dict{"path": "/up/load"}, "x.txt=1")
		sftp.export(x, "h", dict{"file": "/up/loader.txt"}, "x.txt=2")
		for _, path := range []string{"/up/load", "up/load/"} {
			files, message := sftp.load(x, "h", dict{"path": path})
			assert.Equal(x.t, map[string]string{"x.txt": "1"}, files, "a path is a directory: %s", message)
		}
		for _, path := range []string{"/", "."} {
			files, _ := sftp.load(x, "h", dict{"path": path})
			assert.Len(x.t, files, 2)
		}
		_, message := sftp.load(x, "h", dict{"file": "/"})
		assert.NotEmpty(x.t, message)
	})
}

func TestObjectsOfServicesAreSeparate(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	s3.export(x, "b", nil, "a.txt=1")
	_, message := services[2].load(x, "b", dict{"file": "a.txt"})
	assert.Contains(t, message, "there is no such object")
}

func TestInvalidExports(t *testing.T) {
	t.Parallel()
	stores(t, func(x *tester) {
		two := []string{"x.txt=1", "x.txt=2"}
		for name, c := range map[string]struct {
			params  dict
			files   []string
			message string
		}{
			"one key":    {dict{"key": "a.txt"}, two, `several files for key "a.txt": add a placeholder such as %d, or use key_prefix`},
			"one name":   {nil, two, `several files for key "x.txt": add a placeholder such as %d, or use key_prefix`},
			"one prefix": {dict{"key_prefix": "p/"}, two, `several files for key "p/x.txt": add a placeholder such as %d, or use key_prefix`},
			"folder":     {dict{"key": "a/"}, two[:1], `key "a/" names a folder: add a file name, or use key_prefix`},
		} {
			out := s3.export(x, "b", c.params, c.files...)
			assert.Equal(x.t, "UPLOAD_FAILED", out["code"], name)
			assert.Equal(x.t, "Upload failed: "+c.message, out["message"], name)
		}
		_, message := s3.load(x, "b", dict{"key": "x.txt"})
		assert.Contains(x.t, message, "there is no such object", "nothing was exported")
	})
}

func TestNoBucket(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	for _, s := range services {
		for _, bucket := range []any{"", nil} {
			body := dict{s.bucket: bucket, s.key: "a.txt", "input": "x"}
			maps.Copy(body, s.account)
			for _, family := range []string{"import/", "export/"} {
				x.call("POST", "/"+family+s.name, body).wantInvalid(s.bucket, "The "+s.bucket+" field is required.")
			}
		}
	}
}

func TestRegisteredObjectsTakePrecedence(t *testing.T) {
	t.Parallel()
	local := filepath.Join(t.TempDir(), "local.txt")
	require.NoError(t, os.WriteFile(local, []byte("local"), 0o600))
	stores(t, func(x *tester) {
		s3.export(x, "b", dict{"key_prefix": "docs/"}, "a.txt=1", "b.txt=2")
		x.s.HandleObject("import/s3", "docs/a.txt", local)
		x.s.HandleObject("import/s3", "docs/10:30.txt", local)
		files, message := s3.load(x, "b", dict{"key_prefix": "docs/"})
		assert.Equal(x.t, map[string]string{"10:30.txt": "local", "a.txt": "local", "b.txt": "2"}, files, message)
		files, _ = s3.load(x, "another", dict{"key": "docs/a.txt"})
		assert.Equal(x.t, map[string]string{"a.txt": "local"}, files)
		x.s.HandleObject("import/s3", "docs/a.txt", "")
		files, _ = s3.load(x, "b", dict{"key": "docs/a.txt"})
		assert.Equal(x.t, map[string]string{"a.txt": "1"}, files)
	})
}

func TestObjectWithAnotherExtension(t *testing.T) {
	t.Parallel()
	paths := make(chan string, 1)
	stores(t, func(x *tester) {
		x.s.HandleConvert("csv", "pdf", func(_ context.Context, run *Run) error {
			paths <- run.Input().Path
			return run.Write("a.pdf", nil)
		})
		s3.export(x, "b", dict{"key": "b.csv"}, "a.txt=1")
		in := dict{"operation": "import/s3", "bucket": "b", "key": "b.csv"}
		maps.Copy(in, s3.account)
		x.run(dict{"in": in, "pdf": dict{"operation": "convert", "input": "in", "output_format": "pdf"}})
		assert.Equal(x.t, ".csv", filepath.Ext(<-paths))
	})
}

// TestObjectsExpire exports an object every hour for a week.
func TestObjectsExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := newTester(t, WithInProcess())
		s3.export(x, "b", dict{"key": "first.txt"}, "x.txt=0123456789")
		assert.EqualValues(t, 10, x.s.BytesStored(), "the job is deleted, the object is not")
		time.Sleep(24*time.Hour - time.Second) //nolint:forbidigo // in a bubble
		files, message := s3.load(x, "b", dict{"key": "first.txt"})
		assert.Len(t, files, 1, message)
		time.Sleep(time.Second) //nolint:forbidigo // in a bubble
		_, message = s3.load(x, "b", dict{"key": "first.txt"})
		assert.Contains(t, message, "there is no such object")

		most := int64(0)
		for hour := range 7 * 24 {
			s3.export(x, fmt.Sprint("b", hour%5), dict{"key": fmt.Sprintf("%d.txt", hour%100)}, "x.txt=0123456789")
			most = max(most, x.s.BytesStored())
			time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
		}
		assert.LessOrEqual(t, most, int64(26*10), "24 objects, and the import above")
		x.s.Advance(23 * time.Hour)
		assert.Zero(t, x.s.BytesStored())

		s3.export(x, "b", nil, "x.txt=0123456789")
		time.Sleep(24 * time.Hour) //nolint:forbidigo // in a bubble
		x.call("GET", "/users/me", nil).expect(200)
		assert.Zero(t, x.s.BytesStored(), "any request releases what has expired")
	})
}

func TestObjectIsKeptWhileItIsImported(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	s3.export(x, "b", dict{"key": "a.txt"}, "x.txt=old")
	in := dict{"operation": "import/s3", "bucket": "b", "key": "a.txt"}
	maps.Copy(in, s3.account)
	job := x.run(dict{"in": in, "out": dict{"operation": "export/url", "input": "in"}})
	s3.export(x, "b", dict{"key": "a.txt"}, "x.txt=newer")
	assert.EqualValues(t, 8, x.s.BytesStored())
	assert.Equal(t, "old", string(x.get(str(filesOf(taskOf(t, job, "out"))[0]["url"])).expect(200).body))
	x.call("DELETE", "/jobs/"+str(job["id"]), nil).expect(204)
	assert.EqualValues(t, 5, x.s.BytesStored(), "the overwritten object is released")
}

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := newTester(t, WithObjects(dir))
	s3.export(x, "archive", dict{"key": "reports/may.txt"}, "x.txt=1")
	services[4].export(x, "files.example.com", dict{"file": "/in/x.txt"}, "x.txt=2")
	assert.Zero(t, x.s.BytesStored(), "nothing is kept twice")
	x.s.Advance(48 * time.Hour)
	for name, want := range map[string]string{"archive/reports/may.txt": "1", "files.example.com/in/x.txt": "2"} {
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		require.NoError(t, err)
		assert.Equal(t, want, string(content))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "archive", "june.txt"), []byte("3"), 0o600))
	files, message := services[2].load(x, "archive", dict{"file": "june.txt"})
	assert.Equal(t, map[string]string{"june.txt": "3"}, files, message)
	left, err := filepath.Glob(filepath.Join(dir, "*", "*", ".*"))
	require.NoError(t, err)
	assert.Empty(t, left, "temporary files")
}

func TestFolderRefusesKeys(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "secret.txt"), []byte("secret"), 0o600))
	dir := filepath.Join(outside, "objects")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "b", "folder.txt"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b", "file.txt"), []byte("x"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b", ".hidden.txt"), []byte("x"), 0o600))
	for link, target := range map[string]string{
		"b/out": outside, "b/up": filepath.Join("..", ".."), "b/out.txt": filepath.Join(outside, "secret.txt"), "outer": outside,
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip("the system has no symbolic links: ", err)
		}
	}
	x := newTester(t, WithObjects(dir))
	const invalid = "invalid key"
	for key, want := range map[string]string{
		"../secret.txt": invalid, "../../secret.txt": invalid, "a/../../secret.txt": invalid, "./file.txt": invalid,
		"/etc/passwd.txt": invalid, "//host/share.txt": invalid, "a//b.txt": invalid, `..\secret.txt`: invalid,
		`C:\secret.txt`: invalid, "C:/secret.txt": invalid, "NUL.txt": invalid, "a/COM1.txt": invalid, "a./b.txt": invalid,
		"a\x00.txt": invalid, ".hidden.txt": invalid, ".git/config.txt": invalid, strings.Repeat("x", 300) + ".txt": invalid,
		"out/secret.txt": "path escapes from parent", "up/secret.txt": "path escapes from parent", "out.txt": "path escapes from parent",
		"folder.txt": "names a folder", "file.txt/x.txt": `"file.txt/x.txt"`,
	} {
		out := s3.export(x, "b", dict{"key": key}, "x.txt=changed")
		assert.Equal(t, "UPLOAD_FAILED", out["code"], key)
		assert.Contains(t, out["message"], want, key)
		_, message := s3.load(x, "b", dict{"key": key})
		assert.Contains(t, message, want, key)
		assert.NotContains(t, message+str(out["message"]), outside, "no paths of the machine")
	}
	for _, bucket := range []string{"..", ".", "/", "a/b", `a\b`, "C:", "nul", " ", "../b", ".b", "outer"} {
		out := s3.export(x, bucket, dict{"key": "new.txt"}, "x.txt=changed")
		assert.Equal(t, "UPLOAD_FAILED", out["code"], bucket)
		_, message := s3.load(x, bucket, dict{"key": "secret.txt"})
		assert.Contains(t, message, "bucket", bucket)
		assert.NotContains(t, message, "no such object", bucket)
	}
	for _, prefix := range []string{"../", "/", "a//", `..\`, "C:/", ".git/"} {
		_, message := s3.load(x, "b", dict{"key_prefix": prefix})
		assert.Contains(t, message, "invalid key_prefix", prefix)
	}
	_, message := s3.load(x, "b", dict{"key_prefix": "out"})
	assert.Contains(t, message, "path escapes from parent")
	files, _ := s3.load(x, "b", dict{"key_prefix": "f"})
	assert.Equal(t, map[string]string{"file.txt": "x"}, files)

	content, err := os.ReadFile(filepath.Join(outside, "secret.txt"))
	require.NoError(t, err)
	assert.Equal(t, "secret", string(content))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "nothing is written outside")
	entries, err = os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "no folder is made for an invalid bucket")
}

func TestFolderMustExist(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	_, err := Start(WithObjects(filepath.Join(tmp, "none")))
	require.ErrorContains(t, err, "open the folder of objects: ")
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	assert.Empty(t, left)
}
