package cloudconverttest

import (
	"cmp"
	"fmt"
	"regexp"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/standin"
)

// maxStandIns is the largest number of thumbnails of one file.
const maxStandIns = 100

// hasStandIn reports whether there are stand-ins for a pair.
func hasStandIn(p catalog.Pair) bool {
	switch p.Operation {
	case catalog.Convert:
		return catalog.Converts(p.From, p.To) && standin.Has(p.To)
	case catalog.Thumbnail:
		return catalog.HasThumbnail(p.From) && standin.Has(p.To)
	case catalog.Optimize, catalog.Watermark, catalog.WriteMetadata:
		return catalog.Promised(p) && standin.Has(p.From)
	}
	return p.From == "" || p.From == "pdf"
}

// standIn adds files in place of the result of a task, or of the part of it for one input
// file.
func standIn(run *Run) error {
	switch run.Operation {
	case catalog.Command:
		return standInCommand(run)
	case catalog.CaptureWebsite:
		return addStandIn(run, run.OutputName(run.Input()), run.OutputFormat, run.Text("url"))
	case catalog.Archive, catalog.Merge:
		return addStandIn(run, run.OutputName(run.Input()), run.OutputFormat, fmt.Sprintf("%d files", len(run.Inputs)))
	}
	return standInFile(run)
}

// standInFile adds files in place of the result for an input file.
func standInFile(run *Run) error {
	in := run.Input()
	if !hasStandIn(pairOf(run)) {
		return ErrUnsupported
	}
	if run.Operation != catalog.Thumbnail || run.Number("count") <= 1 {
		return addStandIn(run, run.OutputName(in), cmp.Or(run.OutputFormat, in.Format), in.Name)
	}
	count := min(int(run.Number("count")), maxStandIns)
	name := cmp.Or(run.Text("filename"), run.OutputName(in))
	for n := range count {
		name := names.Numbered(name, run.index*count+n+1, run.total*count)
		if err := addStandIn(run, name, run.OutputFormat, in.Name); err != nil {
			return err
		}
	}
	return nil
}

// standInObject adds a file in place of an object of a storage, or of the objects with a
// prefix.
func standInObject(run *Run) error {
	key := cmp.Or(run.Text("key"), run.Text("blob"), run.Text("file"))
	name := cmp.Or(run.Text("filename"), names.Base(key))
	if key == "" {
		name = cmp.Or(run.Text("filename"), "object.txt")
	}
	return addStandIn(run, name, normalFormat(names.Extension(name)), key)
}

// outputs matches the files that the arguments of a command write.
var outputs = regexp.MustCompile(`/output/([^\s"'|;]+)`)

// standInCommand adds a file for each output in the arguments of a command.
func standInCommand(run *Run) error {
	for _, found := range outputs.FindAllStringSubmatch(run.Text("arguments"), -1) {
		name := names.Numbered(found[1], 1, 1)
		format := normalFormat(names.Extension(name))
		if !standin.Has(format) {
			format = "txt"
		}
		if err := addStandIn(run, name, format, run.Text("command")); err != nil {
			return err
		}
	}
	if run.Bool("capture_output") {
		run.SetOutput(standin.Mark + ": " + run.Text("command") + " did not run\n")
	}
	markStandIn(run)
	return nil
}

func addStandIn(run *Run, name, format, of string) error {
	content, ok := standin.File(format, fmt.Sprintf("It stands in for the result of %s: %s", run.Operation, of))
	if !ok {
		return ErrUnsupported
	}
	markStandIn(run)
	return run.Write(name, content)
}

// markStandIn names the engine of a task with a stand-in. Imports have none.
func markStandIn(run *Run) {
	if catalog.Operations[run.Operation].Family == catalog.Processing {
		run.SetEngine(catalog.StandIn.Name, catalog.StandIn.Version)
	}
	run.SetMessage("The result is a stand-in: no engine of the sandbox does this task with these parameters")
}
