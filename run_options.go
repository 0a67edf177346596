package cloudconvert

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An option of a request is also an option of all that sends such requests: of a creation,
// a run, a conversion and a batch. A call to which an option does not apply does not
// compile, or returns an error.
type (
	// BatchOption is an option of [Client.RunAll].
	BatchOption interface{ applyBatch(c *batchConfig) error }
	// ConvertOption is an option of [Client.Convert] and [Client.ConvertFile].
	ConvertOption interface{ applyConvert(c *convertConfig) error }
	// RunOption is an option of [Client.Run], [Client.RunFile], [Client.Start],
	// [Client.SaveAs] and [Client.Save], of conversions and of batches.
	RunOption interface {
		BatchOption
		ConvertOption
		applyRun(c *runConfig) error
	}
	// CreateOption is an option of [JobsService.Create], and of all calls that
	// create jobs.
	CreateOption interface {
		RunOption
		applyCreate(c *createConfig) error
	}
	// CallOption is an option of a single request. In a run it applies to the request
	// that creates the job.
	CallOption interface {
		CreateOption
		applyCall(c *call) error
	}
	// WaitOption is an option of waits, and of all calls that wait for jobs.
	WaitOption interface {
		RunOption
		applyWait(c *waitConfig) error
	}
)

// createConfig has the settings of create options.
type createConfig struct {
	calls    []CallOption
	queueing bool
	key      string    // "" without WithKey
	takeover time.Time // until when another process may have used the key
}

// call is one request to the API, with the settings of call options.
type call struct {
	method string
	path   string // escaped, begins with a slash, without the base
	query  url.Values
	in     any // encoded as JSON unless nil

	sync    bool          // goes to the host that responds when the job has ended
	limited bool          // creates a job or task, and counts against the limits of the service
	once    bool          // is not retried
	timeout time.Duration // of each attempt beyond sending the body; 0 means attemptTimeout
	// location receives the URL of a redirect, or "". It is nil if a redirect is an error.
	location *string

	header   http.Header
	captures []*Response
	queueing bool // waits while too many jobs run
}

// isRedirected reports whether the response was a redirect that the call expects.
func (c *call) isRedirected() bool { return c.location != nil && *c.location != "" }

func (c *call) setHeader(name, value string) {
	if c.header == nil {
		c.header = http.Header{}
	}
	c.header.Set(name, value)
}

// waitConfig has the settings of wait options.
type waitConfig struct {
	pendingUpload  bool
	deleteOnCancel bool
	signal         JobSignal // nil if there is none
}

// runConfig has the settings of run options.
type runConfig struct {
	create      createConfig
	wait        waitConfig
	reporter    *reporter // nil to use that of the client
	overwrite   bool
	delete      bool
	inlineLimit int64
	used        []string // names of the options given, for refuse
}

// convertConfig has the settings of convert options.
type convertConfig struct {
	run     runConfig
	options Options
}

// batchConfig has the settings of batch options.
type batchConfig struct {
	run         runConfig
	outputDir   string // "" if not set
	concurrency int
	journal     string // "" if not set
	budget      int    // 0 means no limit
}

// callOption is a call option. The name is for refuse.
type callOption struct {
	name string
	set  func(*call) error
}

func (o callOption) applyCall(c *call) error { return o.set(c) }
func (o callOption) applyCreate(c *createConfig) error {
	c.calls = append(slices.Clone(c.calls), o)
	return o.set(new(call))
}

func (o callOption) applyRun(c *runConfig) error {
	c.use(o.name)
	return o.applyCreate(&c.create)
}
func (o callOption) applyConvert(c *convertConfig) error { return o.applyRun(&c.run) }
func (o callOption) applyBatch(c *batchConfig) error {
	var probe call
	if err := o.set(&probe); err != nil {
		return err
	}
	if len(probe.captures) > 0 {
		return errors.New("CaptureResponse: the works of a batch run concurrently: make it an option of each work")
	}
	return o.applyRun(&c.run)
}

// createOption is a create option. The name is for refuse.
type createOption struct {
	name string
	set  func(*createConfig) error
}

func (o createOption) applyCreate(c *createConfig) error { return o.set(c) }

func (o createOption) applyRun(c *runConfig) error {
	c.use(o.name)
	return o.applyCreate(&c.create)
}
func (o createOption) applyConvert(c *convertConfig) error { return o.applyRun(&c.run) }
func (o createOption) applyBatch(c *batchConfig) error {
	if err := o.applyRun(&c.run); err != nil {
		return err
	}
	if c.run.create.key != "" {
		return errors.New("WithKey: each work has its own key: make it an option of the work")
	}
	return nil
}

// waitOption is a wait option. The name is for refuse.
type waitOption struct {
	name string
	set  func(*waitConfig) error
}

func (o waitOption) applyWait(c *waitConfig) error { return o.set(c) }
func (o waitOption) applyRun(c *runConfig) error {
	c.use(o.name)
	return o.applyWait(&c.wait)
}
func (o waitOption) applyConvert(c *convertConfig) error { return o.applyRun(&c.run) }
func (o waitOption) applyBatch(c *batchConfig) error     { return o.applyRun(&c.run) }

// runOption is a run option. The name is for refuse.
type runOption struct {
	name string
	set  func(*runConfig) error
}

func (o runOption) applyRun(c *runConfig) error {
	c.use(o.name)
	return o.set(c)
}
func (o runOption) applyConvert(c *convertConfig) error { return o.applyRun(&c.run) }
func (o runOption) applyBatch(c *batchConfig) error     { return o.applyRun(&c.run) }

type convertOption func(*convertConfig) error

func (o convertOption) applyConvert(c *convertConfig) error { return o(c) }

type batchOption func(*batchConfig) error

func (o batchOption) applyBatch(c *batchConfig) error { return o(c) }

// use records that an option was given.
func (c *runConfig) use(name string) {
	if !slices.Contains(c.used, name) {
		c.used = append(slices.Clone(c.used), name)
	}
}

// refuse returns an error if one of the named options was given, which a method
// does not accept.
func (c *runConfig) refuse(method, remedy string, names ...string) error {
	given := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(c.used, name) })
	if len(given) == 0 {
		return nil
	}
	return invalid(fmt.Errorf("%s does not accept %s: %s", method, strings.Join(given, ", "), remedy))
}

// checkKey returns an error if the options, or a request with the given tag, do not go
// together with a key.
func (c *runConfig) checkKey(tag string) error {
	if err := c.create.checkKey(tag); err != nil || c.create.key == "" {
		return err
	}
	return c.refuse("a call with WithKey", "the next call with the key would create another job: use Jobs.Delete when the work is acknowledged", "WithDelete", "WithDeleteOnCancel")
}

// apply applies options. The error names each invalid option.
func (c *runConfig) apply(opts []RunOption) error {
	return applyAll(opts, func(o RunOption) error { return o.applyRun(c) })
}

// defaultRun is the configuration of a run without options.
var defaultRun = runConfig{inlineLimit: defaultInlineLimit}

func newCreateConfig(opts []CreateOption) (createConfig, error) {
	var c createConfig
	err := applyAll(opts, func(o CreateOption) error { return o.applyCreate(&c) })
	return c, err
}

func newWaitConfig(opts []WaitOption) (waitConfig, error) {
	var c waitConfig
	err := applyAll(opts, func(o WaitOption) error { return o.applyWait(&c) })
	return c, err
}

// applyAll applies options and joins their errors.
func applyAll[T comparable](opts []T, apply func(T) error) error {
	var problems []error
	for _, opt := range opts {
		if opt == *new(T) {
			problems = append(problems, errors.New("an option is nil"))
		} else if err := apply(opt); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return invalid(problems...)
}

// WithProgress reports the progress of this call to a function, in place of
// [TransferPolicy.Progress] and under the same rules.
func WithProgress(report func(Progress)) RunOption {
	return runOption{"WithProgress", func(c *runConfig) error {
		if report == nil {
			return errors.New("WithProgress: the function is nil")
		}
		c.reporter = newReporter(report)
		return nil
	}}
}

// WithOverwrite replaces files that exist. By default they are left alone, and the
// error matches [fs.ErrExist].
//
// The new file has the permission bits of the file it replaces. Its owner, access
// control list and other attributes are not copied, and hard links still lead to the
// old file. A symbolic link is replaced itself, not the file it leads to. Devices,
// pipes and sockets are refused, also behind such a link.
func WithOverwrite() RunOption {
	return runOption{"WithOverwrite", func(c *runConfig) error {
		c.overwrite = true
		return nil
	}}
}

// WithDelete deletes the job with its files at the end of the call, whether it
// succeeded or not. Without it, the service keeps them for 24 hours. Calls that leave
// the files in the job refuse WithDelete, since the files would be lost.
//
// The job stays if its files could not be written, so that [Client.SaveAs] can write
// them elsewhere. It also stays if the context ends before the service has responded
// with its id: the error is then an [*OutcomeError] with its tag. With [WithJournal], a
// job that is still running when the context ends stays for the next run. So does the
// job of a process that was killed after the files were written.
func WithDelete() RunOption {
	return runOption{"WithDelete", func(c *runConfig) error {
		c.delete = true
		return nil
	}}
}

const (
	// defaultInlineLimit is the size up to which files are sent within the request that
	// creates the job. This saves two requests, and adds a third of the size for the
	// encoding. Measured over TLS with a round trip of 30 ms and 20 Mbit/s, a conversion
	// takes, over existing connections and over new ones:
	//
	//	  size   inline        uploaded
	//	 100 B    62, 185 ms   124, 308 ms
	//	 10 kB    67, 190 ms   128, 312 ms
	//	100 KiB  117, 239 ms   165, 349 ms
	//	448 KiB  307, 430 ms   308, 492 ms
	//	512 KiB  342, 465 ms   334, 518 ms
	//	  1 MiB  622, 745 ms   544, 728 ms
	//
	// Half of the requests take half of the time only if the file is tiny: the bytes of the
	// file and of its result take the same time either way.
	defaultInlineLimit = 448 << 10
	// maxInlineLimit is the largest size that the service recommends: 10 MB, which may be
	// meant in powers of ten.
	maxInlineLimit = 10_000_000
)

// WithInlineLimit sets how many bytes of local sources, all sources of a job together,
// are sent within the request that creates the job. The smallest sources are sent so
// while they fit, and the others are uploaded. The default is 448 KiB. 0 uploads every
// file. More than 10 MB, the largest size that the service recommends, is an error.
func WithInlineLimit(size int64) RunOption {
	return runOption{"WithInlineLimit", func(c *runConfig) error {
		if size < 0 || size > maxInlineLimit {
			return fmt.Errorf("WithInlineLimit: %d bytes are not between 0 and %d", size, int64(maxInlineLimit))
		}
		c.inlineLimit = size
		return nil
	}}
}

// WithOption sets a parameter of the conversion, such as "pages" or "quality".
// [FormatsService] lists the parameters of each pair of formats.
func WithOption(name string, value any) ConvertOption {
	return WithOptions(Options{name: value})
}

// WithOptions sets several parameters of the conversion.
func WithOptions(options Options) ConvertOption {
	return convertOption(func(c *convertConfig) error {
		for name := range options {
			if name == "" {
				return errors.New("an option has no name")
			}
			if _, taken := c.options[name]; taken {
				return fmt.Errorf("option %q is set twice", name)
			}
		}
		if c.options == nil {
			c.options = Options{}
		}
		maps.Copy(c.options, options)
		return nil
	})
}

// WithConcurrency sets how many works [Client.RunAll] runs concurrently. The default is
// 8: a work spends most of its time waiting for the service.
func WithConcurrency(n int) BatchOption {
	return batchOption(func(c *batchConfig) error {
		if n < 1 {
			return fmt.Errorf("WithConcurrency: %d is not positive", n)
		}
		c.concurrency = n
		return nil
	})
}

// WithOutputDir sets the directory that [Client.RunAll] writes files to: those of works
// whose Destination is empty or a relative path. It is created if it does not exist.
func WithOutputDir(dir string) BatchOption {
	return batchOption(func(c *batchConfig) error {
		if dir == "" {
			return errors.New(`WithOutputDir: the path is empty: use "." for the current directory`)
		}
		c.outputDir = dir
		return nil
	})
}

// WithJournal makes [Client.RunAll] resumable. It records in a file which works were
// begun and which are done. A later run with the same file skips works that are done,
// if their files still exist, and continues with the jobs of works that were begun. If
// the job of a work failed, the later run creates a new one.
//
// No job is created twice, whenever the process ends. If it ended while a job was being
// created, the next run looks for that job before it creates another: at least once,
// and until 40 seconds after the journal last recorded the creation.
//
// A work is identified by its name, its tasks and its destination. If the tasks or the
// destination change, it is another work. Relative paths of sources and destinations count
// as absolute ones: the next run may have another working directory. The content of
// sources is not compared, and neither is the query of a URL, which may be a signature.
// The journal finds jobs by their tags: a request that has a Tag is refused. If a work
// without a destination is done, a later run returns neither its job nor its files.
//
// Only one run at a time can use a journal, and a second one fails at once. An empty
// file beside the journal, whose name ends in ".lock", ensures this and is not removed.
// The directory must be writable. The works of earlier runs take about 50 bytes of
// memory each.
func WithJournal(path string) BatchOption {
	return batchOption(func(c *batchConfig) error {
		if path == "" {
			return errors.New("WithJournal: the path is empty")
		}
		c.journal = path
		return nil
	})
}

// WithBudget limits the credits that [Client.RunAll] spends. When the jobs that it
// created have cost that many, it creates no more jobs and takes no more works. A work
// that it has already taken, but not created a job for, fails with [ErrBudget]. Jobs
// that are running by then may exceed the budget. Jobs that earlier runs created, see
// [WithJournal], do not count.
func WithBudget(credits int) BatchOption {
	return batchOption(func(c *batchConfig) error {
		if credits < 1 {
			return fmt.Errorf("WithBudget: %d is not positive", credits)
		}
		c.budget = credits
		return nil
	})
}
