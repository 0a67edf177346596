package cloudconvert

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
)

const (
	// defaultInline is the size up to which a file travels within the job
	// that converts it. That saves two requests, and costs a third of its size
	// for the encoding. Over TLS, with a round trip of 30 ms and 20 Mbit/s, a
	// conversion takes, over connections that are there already and over new ones:
	//
	//	  size   inline        uploaded
	//	 100 B    62, 185 ms   124, 308 ms
	//	 10 kB    67, 190 ms   128, 312 ms
	//	100 KiB  117, 239 ms   165, 349 ms
	//	448 KiB  307, 430 ms   308, 492 ms
	//	512 KiB  342, 465 ms   334, 518 ms
	//	  1 MiB  622, 745 ms   544, 728 ms
	//
	// Half of the requests take half of the time only for a file of hardly any
	// size: its bytes, and those of the result, cross the link either way.
	defaultInline = 448 << 10
	// maxInline is the size above which the service advises against that: 10 MB,
	// which may be meant in powers of ten.
	maxInline = 10_000_000
)

// conversion is what convert options write to.
type conversion struct {
	client      *Client
	task        Convert
	archive     bool
	tag         string
	ownTag      bool // the tag is unique although it is set
	webhookURL  string
	progress    func(Progress)
	overwrite   bool
	own         []string // paths of files that an earlier run wrote, which may be replaced
	outputDir   string   // empty if there is none
	inlineLimit int64
	delete      bool
	signal      JobSignal // nil if there is none
	begun       time.Time // when it began to create its job, zero if it did not
	// note notes in the journal that the job is being created. nil if there is none.
	note func(context.Context) (stop func(), err error)
	// abandoned reports that its job was to be deleted, as its file did not get there, and
	// gone that it was.
	abandoned, gone bool

	// of batches
	queueing    bool
	concurrency int // 0 for the default
	journal     string
}

// Convert converts a source to a format and returns the job when it has ended.
// [Job.Files] lists its files, and [Client.Save] or [Client.Download] fetches them.
// With [WithOutputDir] they are written there as well, in the way of
// [Client.ConvertFile].
//
// A small file takes a single request, see [WithInlineLimit], or two if it finds
// out about limits for others, as the first item of [Client.ConvertAll] does. A larger
// one is uploaded first. A URL is fetched by the service. If the conversion fails, the
// job is returned together with a [*JobError]. A job is never created twice, see
// [JobsService.Create].
//
// The context ends the wait, and so does an error that a retry would not change. If the
// context ends it, the job goes on, unless it is deleted: because [WithDelete] was
// given, or because its file has not been uploaded, without which it would never end.
// The error is a [*WaitError] with the job's id or, if the request
// that creates the job was under way, an [*OutcomeError] with its tag. Convert returns
// within a second, and what could not be deleted by then is named in the error.
func (c *Client) Convert(ctx context.Context, src Source, outputFormat string, opts ...ConvertOption) (*Job, error) {
	conversion, err := c.newConversion().with(opts)
	if err != nil {
		return nil, err
	}
	if err := conversion.convertTo(outputFormat); err != nil {
		return nil, err
	}
	ctx, release := withLasting(ctx)
	defer release()
	if conversion.outputDir == "" {
		if err := conversion.refuse("Convert", "ConvertFile or ConvertAll", fileOptions, batchOptions); err != nil {
			return nil, err
		}
		return conversion.run(ctx, src)
	}
	if err := conversion.refuse("Convert", "ConvertAll", batchOptions); err != nil {
		return nil, err
	}
	dst, err := conversion.inOutputDir(src)
	if err != nil {
		return nil, err
	}
	return conversion.runInto(ctx, src, dst)
}

// newConversion returns a conversion with the defaults.
func (c *Client) newConversion() *conversion {
	return &conversion{client: c, inlineLimit: defaultInline}
}

// with returns a conversion that differs by the given options. The error names
// each that is wrong.
func (c *conversion) with(opts []ConvertOption) (*conversion, error) {
	next := *c
	next.task.Options, next.progress = nil, nil
	var problems []error
	for _, opt := range opts {
		if err := opt(&next); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return nil, invalid(problems...)
	}
	if earlier := maps.Clone(c.task.Options); earlier != nil {
		maps.Copy(earlier, next.task.Options)
		next.task.Options = earlier
	}
	return &next, next.useProgress()
}

// useProgress lets the client report to the function that was given, if any.
func (c *conversion) useProgress() error {
	if c.progress == nil {
		return nil
	}
	policy := c.client.core.config.transfers
	policy.Progress = c.progress
	client, err := c.client.With(WithTransfers(policy))
	if err == nil {
		c.client = client
	}
	return err
}

// fileOptions, dirOptions and batchOptions list the options that were set and
// only make sense where a file is written, where it has no name yet, and with
// many items.
func fileOptions(c *conversion) map[string]bool {
	return map[string]bool{"WithOverwrite": c.overwrite, "WithDelete": c.delete}
}

func dirOptions(c *conversion) map[string]bool {
	return map[string]bool{"WithOutputDir": c.outputDir != ""}
}

func batchOptions(c *conversion) map[string]bool {
	return map[string]bool{"WithConcurrency": c.concurrency != 0, "WithJournal": c.journal != ""}
}

// refuse returns an error if options are set that a method has no use for, and
// others have.
func (c *conversion) refuse(method, others string, kinds ...func(*conversion) map[string]bool) error {
	var names []string
	for _, kind := range kinds {
		for name, set := range kind(c) {
			if set {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return invalid(fmt.Errorf("%s has no use for %s: leave that out, or use %s", method, strings.Join(names, ", "), others))
}

// convertTo sets the output format.
func (c *conversion) convertTo(format string) error {
	c.task.OutputFormat = normalFormat(format)
	if !formatName.MatchString(c.task.OutputFormat) {
		return invalid(fmt.Errorf("%q is no output format: use the extension of one, such as pdf", format))
	}
	return nil
}

var formatName = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)

// formatOf returns the format that the extension of a name stands for. It
// reports false if there is none, or one that cannot be a format.
func formatOf(name string) (string, bool) {
	format := normalFormat(extensionOf(name))
	return format, formatName.MatchString(format)
}

// normalFormat returns the service's name of a format.
func normalFormat(format string) string {
	format = strings.ToLower(strings.TrimPrefix(format, "."))
	switch format {
	case "jpeg":
		return "jpg"
	case "tif":
		return "tiff"
	case "htm":
		return "html"
	case "tgz":
		return "tar.gz"
	default:
		return format
	}
}

// run converts by the way with the fewest requests.
func (c *conversion) run(ctx context.Context, src Source) (*Job, error) {
	if src.url.value() != "" {
		return c.createAndWait(ctx, ImportURL{URL: src.url.value()})
	}
	return c.withContent(ctx, src, func(name string, content *content) (*Job, error) {
		// The service takes an import without content for one without a file.
		if content.size > c.inlineLimit || content.size == 0 {
			return c.createAndUpload(ctx, name, content)
		}
		file, err := readExactly(ctx, content)
		if err != nil {
			return nil, err
		}
		c.release(ctx, content)
		return c.createAndWait(ctx, ImportBase64{File: base64.StdEncoding.EncodeToString(file), Filename: name})
	})
}

// withContent opens a source for the time that do takes. The name it passes
// has an extension that tells the format.
func (c *conversion) withContent(ctx context.Context, src Source, do func(name string, content *content) (*Job, error)) (*Job, error) {
	name, err := c.nameOf(src)
	if err != nil {
		return nil, err
	}
	content, err := src.content(ctx, c.client.core.config.transfers.TempDir)
	if err != nil {
		return nil, err
	}
	defer c.release(ctx, content)
	return do(name, content)
}

// release closes a source, once. That its copy could not be removed, for instance, is no
// failure of the conversion, which is paid for by then.
func (c *conversion) release(ctx context.Context, content *content) {
	closeOnce := content.close
	content.close = func() error { return nil }
	if err := closeOnce(); err != nil {
		c.client.core.config.logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: closing the source failed", slog.Any("error", err))
	}
}

// nameOf returns the name that the service gets to know a source by.
func (c *conversion) nameOf(src Source) (string, error) {
	if info, err := os.Stat(src.path); src.path != "" && err == nil && info.IsDir() {
		return "", invalid(fmt.Errorf("the source %q is a directory: name a file", src.path))
	}
	if src.open == nil {
		return "", nil // opening it says what is wrong
	}
	name := src.name
	if _, known := formatOf(name); !known {
		if c.task.InputFormat == "" {
			return "", invalid(fmt.Errorf("the format of the source %q is unknown, for its name has no extension that tells it: use WithInputFormat", engine.HideQueries(src.id.value())))
		}
		// The service refuses files of no extension even so.
		name = strings.TrimSuffix(name, ".") + "." + c.task.InputFormat
	}
	// An upload would be refused for it when the job is there already.
	if err := multipart.CheckName(name); err != nil {
		return "", invalid(fmt.Errorf("the name of the source %q %w: rename it, or use FromReader with another name", engine.HideQueries(src.id.value()), err))
	}
	return name, nil
}

// readExactly reads content of a known size into memory.
func readExactly(ctx context.Context, content *content) ([]byte, error) {
	var file bytes.Buffer
	file.Grow(int(content.size) + bytes.MinRead)
	n, err := io.Copy(&file, io.LimitReader(content.reader(ctx), content.size+1))
	if err == nil && n != content.size {
		err = fmt.Errorf("the source was announced with %d bytes and has other than that", content.size)
	}
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: %w", err)
	}
	return file.Bytes(), nil
}
