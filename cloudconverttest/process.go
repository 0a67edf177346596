package cloudconverttest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"

	"github.com/cloudconvert/cloudconvert-go/internal/media"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
)

// parallelConversions bounds the memory that images take during conversions.
const parallelConversions = 4

// process runs the built-in conversions: those of several files once for the task, the
// others once for each input file.
func (s *Server) process(ctx context.Context, run *Run) error {
	switch run.Operation {
	case catalog.Archive, catalog.CaptureWebsite, catalog.Command, catalog.Merge:
		return s.processPart(ctx, run)
	}
	for i := range run.Inputs {
		if err := s.processPart(ctx, run.part(i)); err != nil {
			return err
		}
	}
	return nil
}

// processPart runs a built-in conversion. If there is none, it makes a stand-in, or
// refuses the task like the service.
func (s *Server) processPart(ctx context.Context, run *Run) error {
	err := s.convertBuiltIn(ctx, run)
	unsupported := errors.Is(err, media.ErrUnsupported) || errors.Is(err, ErrUnsupported)
	if unsupported && s.cfg.standIns {
		err = standIn(run)
		unsupported = errors.Is(err, ErrUnsupported)
	}
	switch {
	case unsupported:
		return s.unsupported(run)
	case errors.Is(err, media.ErrOpen):
		return Fail(jobs.CodeOpen, err.Error())
	}
	return err
}

func (s *Server) convertBuiltIn(ctx context.Context, run *Run) error {
	switch run.Operation {
	case catalog.Convert:
		return s.convert(ctx, run)
	case catalog.Thumbnail:
		return s.thumbnail(ctx, run)
	case catalog.Optimize:
		return s.optimize(ctx, run)
	case catalog.Watermark:
		return s.watermark(ctx, run)
	case catalog.Metadata:
		return s.metadata(ctx, run)
	case catalog.Archive:
		return s.archive(ctx, run)
	}
	return ErrUnsupported
}

// builtIn reports whether there is a built-in conversion for a pair.
func builtIn(p catalog.Pair) bool {
	switch p.Operation {
	case catalog.Convert:
		return media.CanConvert(p.From, p.To) || media.CanExtract(p.From) && media.CanArchive(p.To)
	case catalog.Thumbnail:
		return media.CanConvert(p.From, p.To) && p.To != "gif"
	case catalog.Watermark:
		return media.CanConvert(p.From, p.From)
	case catalog.Optimize:
		return p.From == "jpg" || p.From == "png"
	case catalog.Archive:
		return media.CanArchive(p.To)
	case catalog.Metadata:
		return true
	}
	op, ok := catalog.Operations[p.Operation]
	return ok && op.Family != catalog.Processing
}

// unsupported returns the error of a run that no built-in conversion can do. It has a
// hint if no handler is registered for the run.
func (s *Server) unsupported(run *Run) error {
	name, registered := "Handle", s.handlers.operation(run.Operation) != nil
	if run.Operation == catalog.Convert {
		name, registered = "HandleConvert", registered || s.hasPair(run)
	}
	message := jobs.MessageUnsupported
	if !registered {
		message += s.hintOf(name)
	}
	return Fail(jobs.CodeUnsupported, message)
}

// hintOf returns the hint of [WithHints], or names the method that registers the handler
// which is missing.
func (s *Server) hintOf(method string) string {
	return " (" + cmp.Or(s.cfg.unsupportedHint, "cloudconverttest: register a handler with Server."+method) + ")"
}

// convert converts a file. An archive is converted to another format of archives. Any other
// output format means to unpack it.
func (s *Server) convert(ctx context.Context, run *Run) error {
	in := run.Input()
	isArchive := catalog.Converts(in.Format, run.OutputFormat)
	switch {
	case media.CanExtract(in.Format) && (!isArchive || media.CanArchive(run.OutputFormat)):
		return s.unpack(ctx, run)
	case !media.CanConvert(in.Format, run.OutputFormat):
		return ErrUnsupported
	}
	return s.produce(ctx, run, run.OutputName(in), func(w io.Writer, r *os.File) error {
		return media.Convert(ctx, w, r, in.Format, run.OutputFormat, media.ConvertOptions{
			Quality: int(run.Number("quality")), Width: int(run.Number("width")), Height: int(run.Number("height")),
			Fit: run.Text("fit"),
		})
	})
}

func (s *Server) thumbnail(ctx context.Context, run *Run) error {
	in := run.Input()
	return s.produce(ctx, run, run.OutputName(in), func(w io.Writer, r *os.File) error {
		return media.Thumbnail(ctx, w, r, in.Format, run.OutputFormat, media.ThumbnailOptions{
			Width: int(run.Number("width")), Height: int(run.Number("height")), Fit: run.Text("fit"),
		})
	})
}

func (s *Server) optimize(ctx context.Context, run *Run) error {
	in := run.Input()
	err := s.produce(ctx, run, run.OutputName(in), func(w io.Writer, r *os.File) error {
		return media.Optimize(ctx, w, r, in.Format, media.OptimizeOptions{Quality: int(run.Number("quality"))})
	})
	if err != nil {
		return err
	}
	run.work.Update(func(x *jobs.Result) {
		small := x.Files[len(x.Files)-1].Size
		x.Message = fmt.Sprintf("File size reduced by %d%%", 100*(in.Size-small)/max(in.Size, 1))
	})
	return nil
}

func (s *Server) watermark(ctx context.Context, run *Run) error {
	in := run.Input()
	opts := watermarkOptions(run)
	if name := run.Text("image"); name != "" {
		image, ok := run.InputOf(name)
		if !ok {
			return Fail(jobs.CodeInputFailed, jobs.MessageInputFailed)
		}
		f, err := os.Open(image.Path)
		if err != nil {
			return fmt.Errorf("open the image: %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		opts.Image, opts.ImageFormat = f, image.Format
	}
	return s.produce(ctx, run, run.OutputName(in), func(w io.Writer, r *os.File) error {
		return media.Watermark(ctx, w, r, in.Format, opts)
	})
}

func watermarkOptions(run *Run) media.WatermarkOptions {
	opts := media.WatermarkOptions{
		Text: run.Text("text"), FontSize: run.Number("font_size"), FontWidthPercent: run.Number("font_width_percent"),
		FontColor: run.Text("font_color"), FontAlign: run.Text("font_align"),
		ImageWidth: int(run.Number("image_width")), ImageHeight: int(run.Number("image_height")),
		ImageWidthPercent: run.Number("image_width_percent"),
		PositionVertical:  run.Text("position_vertical"), PositionHorizontal: run.Text("position_horizontal"),
		MarginVertical: int(run.Number("margin_vertical")), MarginHorizontal: int(run.Number("margin_horizontal")),
		Opacity: 100, Rotation: run.Number("rotation"),
	}
	if run.Params["opacity"] != nil {
		opts.Opacity = int(run.Number("opacity"))
	}
	return opts
}

func (s *Server) metadata(ctx context.Context, run *Run) error {
	in := run.Input()
	return s.read(ctx, run, func(f *os.File) error {
		found, err := media.Metadata(ctx, f, in.Name, in.Size)
		if err != nil {
			return err
		}
		run.work.Update(func(x *jobs.Result) {
			if x.Metadata == nil {
				x.Metadata = map[string]any{}
			}
			maps.Copy(x.Metadata, found)
		})
		return nil
	})
}

func (s *Server) archive(ctx context.Context, run *Run) error {
	if !media.CanArchive(run.OutputFormat) {
		return ErrUnsupported
	}
	return s.pack(ctx, run, run.OutputName(run.Input()), run.OutputFormat)
}

// pack adds an archive of all inputs to the result.
func (s *Server) pack(ctx context.Context, run *Run, name, format string) error {
	files := make([]media.ArchiveFile, len(run.Inputs))
	for i, in := range run.Inputs {
		files[i] = media.ArchiveFile{
			Name: path.Join(in.Dir, in.Name), Size: in.Size,
			Open: func() (io.ReadCloser, error) {
				return os.Open(in.Path)
			},
		}
	}
	return s.write(ctx, run, name, func(w io.Writer) error { return media.Archive(ctx, w, format, files) })
}

// unpack adds the files of an archive to the result, or another archive of them.
func (s *Server) unpack(ctx context.Context, run *Run) error {
	in := run.Input()
	again := run.OutputFormat != in.Format && media.CanArchive(run.OutputFormat)
	into := run.work
	if again {
		into = run.work.Part()
		defer into.Close()
	}
	err := s.read(ctx, run, func(f *os.File) error {
		return media.Extract(ctx, f, in.Format, func(dir, name string, r io.Reader) error {
			return into.ReadFrom(path.Join(dir, name), r)
		})
	})
	if err != nil || !again {
		return err
	}
	packed := *run
	packed.Inputs = nil
	for _, f := range into.Files() {
		packed.Inputs = append(packed.Inputs, input(f, ""))
	}
	return s.pack(ctx, &packed, run.OutputName(in), run.OutputFormat)
}

// produce adds a file with what f makes of the input.
func (s *Server) produce(ctx context.Context, run *Run, name string, f func(w io.Writer, r *os.File) error) error {
	return s.read(ctx, run, func(r *os.File) error {
		return s.writeFile(run, name, func(w io.Writer) error { return f(w, r) })
	})
}

// read opens the input of a run. The number of concurrent reads is bounded.
func (s *Server) read(ctx context.Context, run *Run, f func(*os.File) error) error {
	return s.bounded(ctx, func() error {
		r, err := os.Open(run.Input().Path)
		if err != nil {
			return fmt.Errorf("open the input: %w", err)
		}
		return errors.Join(f(r), r.Close())
	})
}

func (s *Server) write(ctx context.Context, run *Run, name string, f func(io.Writer) error) error {
	return s.bounded(ctx, func() error { return s.writeFile(run, name, f) })
}

// bounded limits the number of concurrent calls of f.
func (s *Server) bounded(ctx context.Context, f func() error) error {
	select {
	case s.conversions <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-s.conversions }()
	return f()
}

// writeFile adds a file with what f writes.
func (s *Server) writeFile(run *Run, name string, f func(io.Writer) error) error {
	dir, err := run.Dir()
	if err != nil {
		return err
	}
	out, err := os.Create(path.Join(dir, "out"))
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if err := errors.Join(f(out), out.Close()); err != nil {
		return err
	}
	return run.AddFile(name, out.Name())
}
