package cloudconvert

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

const (
	// defaultInline is the size up to which a file travels within the job
	// that converts it.
	defaultInline = 256 << 10
	// maxInline is the size above which the service advises against that.
	maxInline = 10 << 20
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
	inlineLimit int64
	delete      bool

	// of batches
	queueing    bool
	concurrency int
	outputDir   string
	journal     string
}

// Convert converts a source to a format and returns the job when it has ended.
// Its files are found by [Job.Files] and fetched by [Client.Save] or
// [Client.Download].
//
// A small file takes a single request, see [WithInlineLimit]. A larger one is
// uploaded first. A URL is fetched by the service. If the conversion fails,
// the job is returned together with a [*JobError]. A job is never created
// twice, see [JobsService.Create]. Only the context ends the wait.
func (c *Client) Convert(ctx context.Context, src Source, outputFormat string, opts ...ConvertOption) (*Job, error) {
	conversion, err := c.newConversion(outputFormat, opts)
	if err != nil {
		return nil, err
	}
	job, err := conversion.run(ctx, src)
	return job, conversion.finish(ctx, job, err)
}

var formatName = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)

func (c *Client) newConversion(outputFormat string, opts []ConvertOption) (*conversion, error) {
	conversion := &conversion{client: c, inlineLimit: defaultInline}
	format := normalFormat(outputFormat)
	if !formatName.MatchString(format) {
		return nil, invalid(fmt.Errorf("%q is no output format: use the extension of one, such as pdf", outputFormat))
	}
	conversion.task.OutputFormat = format
	if err := conversion.apply(opts); err != nil {
		return nil, err
	}
	if conversion.progress != nil {
		policy := c.core.config.transfers
		policy.Progress = conversion.progress
		client, err := c.With(WithTransfers(policy))
		if err != nil {
			return nil, err
		}
		conversion.client = client
	}
	return conversion, nil
}

// apply applies options. The error names each that is wrong.
func (c *conversion) apply(opts []ConvertOption) error {
	var problems []error
	for _, opt := range opts {
		if err := opt(c); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return invalid(problems...)
	}
	return nil
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
	if src.url != "" {
		return c.createAndWait(ctx, ImportURL{URL: src.url})
	}
	if src.open != nil && c.task.InputFormat == "" && src.extension() == "" {
		return nil, invalid(fmt.Errorf("the name %q has no extension, which tells the format: use WithInputFormat", src.name))
	}
	content, err := src.content(ctx, c.client.core.config.transfers.TempDir)
	if err != nil {
		return nil, err
	}
	job, err := c.convertContent(ctx, src.name, content)
	return job, errors.Join(err, content.close())
}

func (c *conversion) convertContent(ctx context.Context, name string, content *content) (*Job, error) {
	if content.size > c.inlineLimit {
		return c.upload(ctx, name, content)
	}
	file, err := readExactly(content)
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: %w", err)
	}
	return c.createAndWait(ctx, ImportBase64{File: base64.StdEncoding.EncodeToString(file), Filename: name})
}

// readExactly reads content of a known size into memory.
func readExactly(content *content) ([]byte, error) {
	file, err := io.ReadAll(io.LimitReader(content.reader(), content.size+1))
	if err == nil && int64(len(file)) != content.size {
		err = fmt.Errorf("the source was announced with %d bytes and has other than that", content.size)
	}
	return file, err
}

// names of the tasks of a conversion.
const (
	importName  = "import"
	convertName = "convert"
	exportName  = "export"
)

// request is the job that converts what a task imports.
func (c *conversion) request(source TaskRequest) *JobRequest {
	task := c.task
	task.Input = []string{importName}
	return &JobRequest{Tag: c.tag, WebhookURL: c.webhookURL, Tasks: Tasks{
		importName:  source,
		convertName: task,
		exportName:  ExportURL{Input: []string{convertName}, ArchiveMultipleFiles: c.archive},
	}}
}

// creation is the job, which must not be created twice.
func (c *conversion) creation(source TaskRequest) (*creation, error) {
	creation, err := newCreation(c.request(source))
	if err != nil {
		return nil, err
	}
	creation.own = creation.own || c.ownTag
	return creation, nil
}

// callOptions are those of the calls that create the job.
func (c *conversion) callOptions() []CallOption {
	if c.queueing {
		return nil
	}
	return nil
}

// createAndWait runs a job that needs no upload.
func (c *conversion) createAndWait(ctx context.Context, source TaskRequest) (*Job, error) {
	creation, err := c.creation(source)
	if err != nil {
		return nil, err
	}
	job, err := c.client.Jobs.createAndWait(ctx, creation, c.callOptions())
	if err != nil {
		return nil, creation.asError(err)
	}
	return c.wait(ctx, job)
}

// upload runs a job that takes the file from storage.
func (c *conversion) upload(ctx context.Context, name string, content *content) (*Job, error) {
	creation, err := c.creation(ImportUpload{})
	if err != nil {
		return nil, err
	}
	job, err := c.client.Jobs.create(ctx, creation, c.callOptions())
	if err != nil {
		return nil, creation.asError(err)
	}
	return c.uploadTo(ctx, job, name, content)
}

// uploadTo sends the file to a job that waits for it.
func (c *conversion) uploadTo(ctx context.Context, job *Job, name string, content *content) (*Job, error) {
	task, found := job.Task(importName)
	if !found {
		return job, fmt.Errorf("cloudconvert: job %s came back without its import task", job.ID)
	}
	u := &upload{core: c.client.core, task: task}
	if err := u.checkAndSend(ctx, name, content); err != nil {
		// The job would go on waiting for its file, and count as running.
		c.abandon(ctx, job.ID)
		return job, err
	}
	return c.wait(ctx, job)
}

// adopt goes on with a job that an earlier process has created.
func (c *conversion) adopt(ctx context.Context, src Source, job *Job) (*Job, error) {
	task, found := job.Task(importName)
	if !found || checkForm(task) != nil {
		return c.wait(ctx, job)
	}
	content, err := src.content(ctx, c.client.core.config.transfers.TempDir)
	if err != nil {
		return job, err
	}
	adopted, err := c.uploadTo(ctx, job, src.name, content)
	return adopted, errors.Join(err, content.close())
}

// wait waits for the end of a job and reports its progress meanwhile.
func (c *conversion) wait(ctx context.Context, job *Job) (*Job, error) {
	if job.Status.Terminal() {
		return job, jobError(job)
	}
	if c.client.core.config.transfers.Progress != nil {
		stop := c.reportProcess(ctx, job.ID)
		defer stop()
	}
	return c.client.Jobs.wait(ctx, job.ID, waiting{last: job.Status})
}

// processInterval is how often the progress of a running job is asked for.
const processInterval = 2 * time.Second

// reportProcess reports how a job gets on until it is told to stop.
func (c *conversion) reportProcess(ctx context.Context, id string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause(ctx, processInterval) == nil {
			if job, err := c.client.Jobs.Get(ctx, id); err == nil {
				c.client.core.report(Progress{Phase: PhaseProcess, Percent: percentOf(job)})
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// percentOf returns how far a job has got: the mean of its tasks. A waiting
// task counts as not begun, whatever its percentage says.
func percentOf(job *Job) int {
	if len(job.Tasks) == 0 {
		return 0
	}
	sum := 0
	for _, task := range job.Tasks {
		switch {
		case task.Status.Terminal():
			sum += 100
		case task.Status == StatusProcessing:
			sum += min(max(task.Percent, 0), 100)
		}
	}
	return sum / len(job.Tasks)
}

// finish deletes the job if that was asked for.
func (c *conversion) finish(ctx context.Context, job *Job, err error) error {
	if !c.delete || job == nil {
		return err
	}
	return errors.Join(err, c.client.Jobs.Delete(ctx, job.ID))
}

// abandon deletes a job that is of no use any more, even if the context ended.
func (c *conversion) abandon(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	// Whether it works or not, the caller learns of the failure before it.
	_ = c.client.Jobs.Delete(ctx, id)
}
