package main

import (
	"io"
	"os"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"

	"github.com/cloudconvert/cloudconvert-go"
)

// progressBar shows how a conversion gets on, if the output is a terminal. The
// caller calls the function it returns at the end.
func progressBar(out io.Writer) ([]cloudconvert.ConvertOption, func()) {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil, func() {}
	}
	bar := pb.New64(0).SetWriter(out).SetTemplateString(`{{string . "phase"}} {{bar . }} {{percent . }}`)
	bar.Start()
	show := func(p cloudconvert.Progress) {
		bar.Set("phase", string(p.Phase))
		if p.Phase == cloudconvert.PhaseProcess {
			bar.SetTotal(100).SetCurrent(int64(p.Percent))
			return
		}
		bar.SetTotal(p.Total).SetCurrent(p.Done)
	}
	return []cloudconvert.ConvertOption{cloudconvert.WithProgress(show)}, func() { bar.Finish() }
}
