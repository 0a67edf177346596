package engines

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/standin"
)

// The operations for which stand-ins are made, besides convert.
var (
	standInFiles = []string{"metadata/write", "optimize", "pdf/a", "pdf/ocr", "pdf/x", "thumbnail", "watermark"}
	standInTasks = slices.Concat([]string{"archive", "capture-website", "command", "merge"}, storageImports)
	// storageImports import objects, for which a key or a prefix of several is required.
	storageImports = []string{
		"import/azure/blob", "import/google-cloud-storage", "import/openstack", "import/s3", "import/sftp",
	}
)

// replaceable reports whether a stand-in may replace the result of a built-in conversion.
// Imports of objects that the server does not have may fail with any error.
func replaceable(run *cloudconverttest.Run, err error) bool {
	if slices.Contains(storageImports, run.Operation) {
		return err != nil
	}
	return errors.Is(err, cloudconverttest.ErrUnsupported)
}

// standIn adds a file in place of the result for an input file.
func standIn(w work) error {
	if strings.HasPrefix(w.run.Operation, "pdf/") && w.in.Format != "pdf" {
		return cloudconverttest.ErrUnsupported // it does not have another type
	}
	format := cmp.Or(w.run.OutputFormat, w.in.Format)
	count := 1
	if w.run.Operation == "thumbnail" {
		count = min(max(int(w.run.Number("count")), 1), maxThumbnails)
	}
	for n := range count {
		name := w.name()
		if count > 1 {
			name = w.numbered(n + 1)
		}
		if err := addStandIn(w.run, name, format, w.in.Name); err != nil {
			return err
		}
	}
	return nil
}

// standInTask adds files in place of the results of a whole task.
func standInTask(run *cloudconverttest.Run) error {
	switch run.Operation {
	case "command":
		return standInCommand(run)
	case "capture-website":
		return addStandIn(run, captureName(run), run.OutputFormat, run.Text("url"))
	case "archive":
		return addStandIn(run, archiveName(run), run.OutputFormat, fmt.Sprintf("%d files", len(run.Inputs)))
	case "merge":
		return addStandIn(run, run.OutputName(run.Input()), run.OutputFormat, fmt.Sprintf("%d files", len(run.Inputs)))
	}
	return standInObject(run)
}

// standInObject adds a file in place of an object of a storage, or of the objects with a
// prefix.
func standInObject(run *cloudconverttest.Run) error {
	key := cmp.Or(run.Text("key"), run.Text("blob"), run.Text("file"))
	name := cmp.Or(run.Text("filename"), path.Base(key))
	if key == "" {
		name = cmp.Or(run.Text("filename"), "object.txt")
	}
	return addStandIn(run, name, formatOf(name), key)
}

// outputs matches the files that the arguments of a command write.
var outputs = regexp.MustCompile(`/output/([^\s"'|;]+)`)

// placeholder matches the place of a number in the name of several files.
var placeholder = regexp.MustCompile(`%\d*d`)

// standInCommand adds a file for each output in the arguments of a command.
func standInCommand(run *cloudconverttest.Run) error {
	for _, found := range outputs.FindAllStringSubmatch(run.Text("arguments"), -1) {
		name := placeholder.ReplaceAllString(found[1], "1")
		format := formatOf(name)
		if !slices.Contains(standin.Formats(), format) {
			format = "txt"
		}
		if err := addStandIn(run, name, format, run.Text("command")); err != nil {
			return err
		}
	}
	if run.Bool("capture_output") {
		run.SetOutput(standin.Mark + ": " + run.Text("command") + " is not installed\n")
	}
	named(run)
	return nil
}

func addStandIn(run *cloudconverttest.Run, name, format, of string) error {
	content, ok := standin.File(format, fmt.Sprintf("It stands in for the result of %s: %s", run.Operation, of))
	if !ok {
		return cloudconverttest.ErrUnsupported
	}
	named(run)
	return run.Write(name, content)
}

// named names the engine of a task with a stand-in.
func named(run *cloudconverttest.Run) {
	run.SetEngine("stand-in", "")
	run.SetMessage("The sandbox has no engine for this task: the result is a stand-in")
}

// captureName returns the name of the result of a capture.
func captureName(run *cloudconverttest.Run) string {
	name := "website"
	if u, err := url.Parse(run.Text("url")); err == nil && u.Hostname() != "" {
		name = u.Hostname()
	}
	return cmp.Or(run.Text("filename"), name+"."+run.OutputFormat)
}

// archiveName returns the name of the result of an archive.
func archiveName(run *cloudconverttest.Run) string {
	return cmp.Or(run.Text("filename"), "archive."+run.OutputFormat)
}

// formatOf returns the format of a name.
func formatOf(name string) string {
	name = strings.ToLower(name)
	for _, format := range []string{"tar.gz", "tar.bz2"} {
		if strings.HasSuffix(name, "."+format) {
			return format
		}
	}
	format := strings.TrimPrefix(path.Ext(name), ".")
	return cmp.Or(map[string]string{"jpeg": "jpg", "tif": "tiff", "tgz": "tar.gz"}[format], format)
}
