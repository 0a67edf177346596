//go:build linux

package safefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMountedAt(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	mounts := "22 1 0:20 / / rw - overlay overlay rw\n\nodd\n" +
		"36 22 98:0 /source " + dir + "/a.pdf rw,noatime master:1 - ext4 /dev/sda rw\n" +
		"37 22 98:0 /source " + dir + `/b\040c\134d.pdf rw - ext4 /dev/sda rw` + "\n"
	for path, want := range map[string]bool{
		dir + "/a.pdf": true, link + "/a.pdf": true, dir + `/b c\d.pdf`: true,
		dir + "/b.pdf": false, dir: false, dir + "/a.pdf/x": false, "a.pdf": false,
	} {
		assert.Equal(t, want, mountedAt(strings.NewReader(mounts), path), path)
	}
}
