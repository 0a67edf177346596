package cloudconvert_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// unreplaceable creates something that cannot be replaced by a file.
var unreplaceable = map[string]func(t *testing.T, path string){
	"directory": func(t *testing.T, path string) {
		t.Helper()
		require.NoError(t, os.Mkdir(path, 0o700))
	},
	"link to a directory": func(t *testing.T, path string) {
		t.Helper()
		require.NoError(t, os.Symlink(t.TempDir(), path))
	},
	"device": func(t *testing.T, path string) {
		t.Helper()
		require.NoError(t, os.Symlink("/dev/null", path))
	},
	"standard output": func(t *testing.T, path string) {
		t.Helper()
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, errors.Join(reader.Close(), writer.Close())) })
		require.NoError(t, os.Symlink(fmt.Sprint("/proc/self/fd/", writer.Fd()), path))
	},
	"named pipe": func(t *testing.T, path string) {
		t.Helper()
		require.NoError(t, syscall.Mkfifo(path, 0o600))
	},
	"socket": func(t *testing.T, path string) {
		t.Helper()
		dir, err := os.MkdirTemp("", "") //nolint:usetesting // the path of a socket must be short.
		require.NoError(t, err)
		listener, err := net.Listen("unix", filepath.Join(dir, "s"))
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, errors.Join(listener.Close(), os.Remove(dir))) })
		require.NoError(t, os.Symlink(filepath.Join(dir, "s"), path))
	},
	"mounted file": func(t *testing.T, path string) {
		t.Helper()
		testkit.WriteFile(t, path, "below")
		source := testkit.WriteFile(t, filepath.Join(t.TempDir(), "source"), "mounted")
		if err := syscall.Mount(source, path, "", syscall.MS_BIND, ""); err != nil {
			t.Skipf("cannot mount a file: %v", err)
		}
		t.Cleanup(func() { assert.NoError(t, syscall.Unmount(path, 0)) })
	},
	"immutable file": func(t *testing.T, path string) {
		t.Helper()
		testkit.WriteFile(t, path, "text")
		if err := exec.CommandContext(t.Context(), "chattr", "+i", path).Run(); err != nil {
			t.Skipf("cannot make a file immutable: %v", err)
		}
		t.Cleanup(func() { assert.NoError(t, exec.Command("chattr", "-i", path).Run()) })
	},
}

// The check comes before the job is paid for.
func TestRunFileRefusesWhatCannotBeReplaced(t *testing.T) {
	t.Parallel()
	for name, makeIt := range unreplaceable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			dst := filepath.Join(dir, "a b.pdf")
			makeIt(t, dst)
			src := testkit.WriteFile(t, filepath.Join(t.TempDir(), "a b.txt"), "text")
			server := testkit.NewSandbox(t)
			client := server.Client()

			request := cloudconvert.Pipeline(cloudconvert.FromFile(src), cloudconvert.Convert{OutputFormat: "pdf"})
			for _, to := range []string{dst, dir + "/"} {
				_, err := client.RunFile(t.Context(), request, to, cloudconvert.WithOverwrite())
				require.ErrorContains(t, err, "a b.pdf")
				works := slices.Values([]cloudconvert.Work{{Request: request, Destination: to}})
				for _, opts := range [][]cloudconvert.BatchOption{{cloudconvert.WithOverwrite()}, nil} {
					results := 0
					for result := range client.RunAll(t.Context(), works, opts...) {
						require.Error(t, result.Err)
						results++
					}
					assert.Equal(t, 1, results)
				}
			}
			assert.Zero(t, testkit.JobCount(server))
			assert.Empty(t, testkit.Outline(server))
			assert.Equal(t, []string{"a b.pdf"}, testkit.Listed(t, dir), "nothing is left")
		})
	}
}
