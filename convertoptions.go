package cloudconvert

import (
	"errors"
	"fmt"
	"maps"
)

// ConvertOption changes a conversion by [Client.Convert], [Client.ConvertFile]
// or [Client.ConvertAll].
type ConvertOption func(*conversion) error

// WithOption sets a parameter of the conversion, such as "pages" or "quality".
// The Formats service lists those of each pair of formats.
func WithOption(name string, value any) ConvertOption {
	return WithOptions(Options{name: value})
}

// WithOptions sets several parameters of the conversion.
func WithOptions(options Options) ConvertOption {
	return func(c *conversion) error {
		for name := range options {
			if name == "" {
				return errors.New("an option has no name")
			}
			if _, taken := c.task.Options[name]; taken {
				return fmt.Errorf("option %q is set twice", name)
			}
		}
		if c.task.Options == nil {
			c.task.Options = Options{}
		}
		maps.Copy(c.task.Options, options)
		return nil
	}
}

// WithEngine chooses the engine, and its version unless that is empty. By
// default the service chooses, and may choose another one some day.
func WithEngine(engine, version string) ConvertOption {
	return func(c *conversion) error {
		c.task.Engine, c.task.EngineVersion = engine, version
		return nil
	}
}

// WithInputFormat sets the format of the source, which is otherwise taken from
// the extension of its name.
func WithInputFormat(format string) ConvertOption {
	return func(c *conversion) error {
		c.task.InputFormat = normalFormat(format)
		if !formatName.MatchString(c.task.InputFormat) {
			return fmt.Errorf("WithInputFormat: %q is no format: use the extension of one, such as pdf", format)
		}
		return nil
	}
}

// WithFilename sets the name of the output file, extension included. With
// several outputs, "page-%d.png" numbers them.
func WithFilename(name string) ConvertOption {
	return func(c *conversion) error {
		c.task.Filename = name
		return nil
	}
}

// WithArchive puts several output files into one ZIP archive. A file that is
// written gets the extension of what came: page.png becomes page.zip.
func WithArchive() ConvertOption {
	return func(c *conversion) error {
		c.archive = true
		return nil
	}
}

// WithTag sets the tag of the job, see [JobRequest.Tag]. What otherwise takes one
// request then takes two, see [JobsService.CreateAndWait].
func WithTag(tag string) ConvertOption {
	return func(c *conversion) error {
		c.tag = tag
		return nil
	}
}

// WithWebhookURL sets the webhook of the job, see [JobRequest.WebhookURL].
func WithWebhookURL(url string) ConvertOption {
	return func(c *conversion) error {
		c.webhookURL = url
		return nil
	}
}

// WithProgress reports how this conversion gets on, see [TransferPolicy.Progress].
func WithProgress(report func(Progress)) ConvertOption {
	return func(c *conversion) error {
		if report == nil {
			return errors.New("WithProgress: the function is nil")
		}
		c.progress = report
		return nil
	}
}

// WithOverwrite lets a conversion replace a file that exists, and keeps what
// [TransferPolicy.Overwrite] keeps: the permission bits of that file, but not its
// owner, access control list, other attributes and hard links. A symbolic link is
// replaced itself, not the file it leads to. Devices, pipes and sockets are refused,
// also behind such a link. [Client.Convert] writes files only with
// [WithOutputDir], and refuses this option without that one.
func WithOverwrite() ConvertOption {
	return func(c *conversion) error {
		c.overwrite = true
		return nil
	}
}

// WithInlineLimit sets the size in bytes up to which a file is sent within the
// request that creates the job. The default is 448 KiB. 0 uploads every file. More
// than 10 MB, the most that the service advises, is refused.
func WithInlineLimit(size int64) ConvertOption {
	return func(c *conversion) error {
		if size < 0 || size > maxInline {
			return fmt.Errorf("WithInlineLimit: %d is not between 0 and %d", size, int64(maxInline))
		}
		c.inlineLimit = size
		return nil
	}
}

// WithDelete deletes the job with its files when the conversion is over,
// whether it succeeded or not, instead of leaving them on the service for 24
// hours. If the output could not be written, the job stays, so that
// [Client.Save] can fetch it to another place. If the context ends before the
// service has answered with the id of the job, the job stays, and the
// [*OutcomeError] holds its tag. With [WithJournal], a job that is still running
// when the context ends stays, for the next run.
//
// Without [WithOutputDir], [Client.Convert] leaves the files in the job, and
// refuses the option.
func WithDelete() ConvertOption {
	return func(c *conversion) error {
		c.delete = true
		return nil
	}
}

// WithConcurrency sets how many items [Client.ConvertAll] works on at a time.
// The default is 8: an item spends most of its time waiting for the service.
func WithConcurrency(n int) ConvertOption {
	return func(c *conversion) error {
		if n < 1 {
			return fmt.Errorf("WithConcurrency: %d is not positive", n)
		}
		c.concurrency = n
		return nil
	}
}

// WithOutputDir sets the directory that [Client.Convert] writes the files to, and
// [Client.ConvertAll] those of the items that have no Destination. It is created if
// need be. The files are named after their sources. [Client.ConvertFile], which is
// told the name of the file, refuses the option.
func WithOutputDir(dir string) ConvertOption {
	return func(c *conversion) error {
		c.outputDir = dir
		return nil
	}
}

// WithJournal makes [Client.ConvertAll] resumable: it notes in a file which
// items were begun and which are done. A later run with the same file skips
// those that are done, as long as their files are there, and goes on with the
// jobs of those that were begun. No job is created twice, whenever the process
// ended: if it ended while a job was being created, the next run looks for that job
// until 40 seconds after the last note of it, and at least once, before it creates
// another. An item whose job failed is tried again, with a new job.
//
// An item is known by its Key, see [Conversion]: with other options or a changed
// source it is still the same item. If it is done and has no destination, a later
// run returns neither its job nor its files.
//
// Only one run at a time can use a journal: a second one fails at once. An empty
// file beside it, whose name ends in ".lock", sees to that and is left there. The
// directory must be writable.
//
// The journal belongs to the batch: as an option of an item it is refused. So is
// [WithTag], since the journal finds jobs by tags of its own.
func WithJournal(path string) ConvertOption {
	return func(c *conversion) error {
		if path == "" {
			return errors.New("WithJournal: the path is empty")
		}
		c.journal = path
		return nil
	}
}
