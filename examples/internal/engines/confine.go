package engines

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"
	"time"
)

// systemPaths are what confined programs can read: programs, libraries, fonts, and their
// settings.
var systemPaths = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store",
	"/etc/ImageMagick-6", "/etc/ImageMagick-7", "/etc/alternatives", "/etc/chromium.d", "/etc/fonts", "/etc/ghostscript",
	"/etc/ld.so.cache", "/etc/libreoffice", "/etc/localtime", "/var/cache/fontconfig", "/var/lib/ghostscript",
}

// findBubblewrap returns the path of bubblewrap, or "" if it is not installed or cannot
// run, as in most containers.
func (k *kit) findBubblewrap(ctx context.Context) string {
	path := k.find("bwrap")
	if path == "" {
		return ""
	}
	dir, err := os.MkdirTemp("", "engine-")
	if err != nil {
		return ""
	}
	defer func() { _ = os.RemoveAll(dir) }() // the directory is empty
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	probe := &program{kit: k, path: path}
	if probe.run(ctx, execution{dir: dir, args: confine("true", execution{dir: dir})}) != nil {
		return ""
	}
	return path
}

// confine returns the arguments with which bubblewrap runs a program. The program has no
// network. It can read the system and its inputs, and write to its directory only.
func confine(path string, e execution) []string {
	args := []string{"--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"}
	readable := func(paths ...string) {
		for _, path := range paths {
			args = append(args, "--ro-bind-try", path, path)
		}
	}
	readable(systemPaths...)
	args = append(args, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")
	ofSystem := slices.ContainsFunc(systemPaths, func(dir string) bool { return strings.HasPrefix(path, dir+"/") })
	if strings.HasPrefix(path, "/") && !ofSystem {
		readable(path)
	}
	readable(e.inputs...)
	args = append(args, "--bind", e.dir, e.dir, "--remount-ro", "/", "--chdir", cmp.Or(e.workIn, e.dir), "--", path)
	return append(args, e.args...)
}
