package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/cloudconvert/cloudconvert-go"
)

// workspace is what a call may read and write: the files below some directories.
type workspace struct{ roots []root }

// root is a directory. All access goes through dir, which symbolic links and ".." do not
// leave.
type root struct {
	path string // as the client names it
	real string // without symbolic links
	dir  *os.Root
}

// rootsRequest is the id of the request for the roots.
const rootsRequest = "roots"

// workspace opens the directories of a call. If the client has roots and has not sent
// them yet, the workspace is nil and the result requests them: then the tool is called a
// second time, with the roots. Roots are requested for each call, so that changes need no
// notification.
func (s *server) workspace(request *mcp.CallToolRequest) (*workspace, *mcp.CallToolResult, error) {
	dirs := s.dirs
	var problems []error
	//nolint:staticcheck // roots are deprecated, but nothing replaces them for local files.
	if capabilities := request.ClientCapabilities(); capabilities != nil && capabilities.RootsV2 != nil {
		response, ok := request.Params.InputResponses[rootsRequest].(*mcp.ListRootsResult)
		if !ok {
			return nil, &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{rootsRequest: &mcp.ListRootsParams{}}}, nil
		}
		if len(response.Roots) > 0 {
			dirs, problems = rootPaths(response.Roots)
		}
	}
	w := &workspace{}
	for _, dir := range dirs {
		if err := w.add(dir); err != nil {
			problems = append(problems, err)
		}
	}
	if len(w.roots) > 0 {
		return w, nil, nil
	}
	err := errors.New("no directory is open to this session: ask the user to add a root in the client, " +
		"or directories to the arguments of the server")
	if len(problems) > 0 {
		err = fmt.Errorf("%w (%w)", err, errors.Join(problems...))
	}
	return nil, nil, err
}

// rootPaths returns the paths of the roots that are directories on this machine.
func rootPaths(roots []*mcp.Root) (paths []string, problems []error) { //nolint:staticcheck // see workspace.
	for _, root := range roots {
		path, err := filePath(root.URI, runtime.GOOS == "windows")
		if err != nil {
			problems = append(problems, err)
			continue
		}
		paths = append(paths, path)
	}
	return paths, problems
}

func (w *workspace) add(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("the root %q is not an absolute path", path)
	}
	dir, err := os.OpenRoot(path + inDirectory)
	if err != nil {
		return explainPath(path, err)
	}
	actual, err := filepath.EvalSymlinks(path)
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	w.roots = append(w.roots, root{path: filepath.Clean(path), real: actual, dir: dir})
	return nil
}

// inDirectory is added to a path before it is opened as a directory: without it, opening
// a pipe would wait for a writer.
const inDirectory = "/."

// openDirectory opens a directory below a root.
func openDirectory(dir *os.Root, path string) (*os.Root, error) {
	return dir.OpenRoot(path + inDirectory)
}

func (w *workspace) close() {
	for _, root := range w.roots {
		_ = root.dir.Close() // nothing was written to it
	}
}

// locate returns the root that a path is below, and the path relative to it. A relative
// path is below the first root.
func (w *workspace) locate(name string) (root, string, error) {
	path := name
	if strings.Contains(name, "://") || strings.HasPrefix(strings.ToLower(name), "file:") {
		var err error
		if path, err = filePath(name, runtime.GOOS == "windows"); err != nil {
			return root{}, "", err
		}
	}
	if path == "" || strings.ContainsRune(path, 0) {
		return root{}, "", fmt.Errorf("%q is not a path", name)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(w.roots[0].path, path)
	}
	var paths []string
	for _, root := range w.roots {
		for _, base := range []string{root.path, root.real} {
			if rel, err := filepath.Rel(base, path); err == nil && filepath.IsLocal(rel) {
				return root, rel, nil
			}
		}
		paths = append(paths, root.path)
	}
	return root{}, "", fmt.Errorf("%q is outside of the directories of this session: use a path below %s",
		name, strings.Join(paths, " or "))
}

// source returns a file or a URL as a source. The workspace must stay open while it is
// sent.
func (w *workspace) source(name string) (cloudconvert.Source, error) {
	if isURL(name) {
		return cloudconvert.FromURL(name), nil
	}
	root, rel, err := w.locate(name)
	if err != nil {
		return cloudconvert.Source{}, err
	}
	info, err := root.dir.Stat(rel) // without opening it, which may have effects on a device
	switch {
	case err != nil:
		return cloudconvert.Source{}, explainPath(name, err)
	case info.IsDir():
		return cloudconvert.Source{}, fmt.Errorf("%q is a directory: name a file", name)
	case !info.Mode().IsRegular():
		return cloudconvert.Source{}, fmt.Errorf("%q is %w: name one that is", name, errNotRegular)
	}
	return cloudconvert.FromFS(regularFiles{root.dir}, filepath.ToSlash(rel)), nil
}

var errNotRegular = errors.New("not a regular file")

// regularFiles are the regular files below a root. Another program may replace one by a
// pipe at any time: opening it does not wait for a writer, and returns an error.
type regularFiles struct{ dir *os.Root }

// Open implements [fs.FS].
func (f regularFiles) Open(name string) (fs.File, error) {
	file, err := f.dir.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// explainPath says what is wrong with a path below a root.
func explainPath(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%q does not exist", name)
	case strings.Contains(err.Error(), "escapes"): // the error of os.Root has no name
		return fmt.Errorf("%q leads out of the directories of this session by a symbolic link: use a path without it", name)
	}
	if failure, ok := errors.AsType[*fs.PathError](err); ok {
		err = failure.Err
	}
	return fmt.Errorf("%q cannot be used: %w", name, err)
}

// isURL reports whether a source is a URL that the service fetches.
func isURL(name string) bool {
	scheme, _, ok := strings.Cut(name, "://")
	return ok && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// filePath returns the path in a file URI.
func filePath(uri string, windows bool) (string, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", errors.New("a URI is malformed: encode % as %25, or use a path") // it may have a secret
	}
	switch {
	case !strings.EqualFold(u.Scheme, "file"):
		return "", fmt.Errorf("a URI of the scheme %q is not a local file: use a path, or file:///PATH", u.Scheme)
	case u.Opaque != "", u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "", !strings.HasPrefix(u.Path, "/"):
		return "", errors.New("a URI is not of the form file:///PATH: encode ? as %3F and # as %23, or use a path") // as above
	}
	host := u.Host
	if strings.EqualFold(host, "localhost") {
		host = ""
	}
	switch {
	case !windows && host == "":
		return u.Path, nil
	case !windows:
		return "", fmt.Errorf("%q is on another host: use a path of this one", uri)
	case host != "":
		return `\\` + host + strings.ReplaceAll(u.Path, "/", `\`), nil
	}
	path := strings.ReplaceAll(u.Path[1:], "/", `\`)
	if len(path) < 2 || path[1] != ':' {
		return "", fmt.Errorf("%q has no drive: want file:///C:/PATH", uri)
	}
	return path, nil
}
