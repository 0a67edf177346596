package cloudconvert

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
)

// sources are the local sources of a job, by task.
type sources struct {
	core   *core
	byTask map[string]*openSource
}

// openSource is a local source of a job. It is open if it has content.
type openSource struct {
	Source
	task    string
	content *content.Content // nil while closed
	size    int64
	inline  bool
}

func newSources(c *core, planned []plannedSource) *sources {
	s := &sources{core: c, byTask: make(map[string]*openSource, len(planned))}
	for _, source := range planned {
		s.byTask[source.task] = &openSource{Source: source.Source, task: source.task}
	}
	return s
}

// openAll opens the sources, determines their sizes, and decides how they are sent: the
// smallest within the job, while their sum does not exceed the limit.
func (s *sources) openAll(ctx context.Context, inlineLimit int64) error {
	opened := slices.SortedFunc(maps.Values(s.byTask), func(a, b *openSource) int { return cmp.Compare(a.task, b.task) })
	for _, source := range opened {
		if err := s.open(ctx, source, inlineLimit); err != nil {
			return err
		}
		source.size = source.content.Size
		s.closeSurplus(ctx, source)
	}
	slices.SortStableFunc(opened, func(a, b *openSource) int { return cmp.Compare(a.size, b.size) })
	for _, source := range opened {
		// The service treats an import of an empty file as one without a file.
		source.inline = source.size > 0 && source.size <= inlineLimit
		if source.inline {
			inlineLimit -= source.size
		}
	}
	return nil
}

// open opens a source unless it is open. Content that can be read only once is kept in
// memory, up to the given number of bytes.
func (s *sources) open(ctx context.Context, source *openSource, memory int64) error {
	if source.content != nil {
		return nil
	}
	if source.isDirectory() {
		return invalid(fmt.Errorf("the source %q is a directory: name a file", source.String()))
	}
	opened, err := source.Source.content(ctx, s.core.policy.TempDir, memory)
	if err != nil {
		return err
	}
	source.content = opened
	if source.size > 0 && source.size != opened.Size {
		return fmt.Errorf("cloudconvert: source size changed: want %d bytes, got %d", source.size, opened.Size)
	}
	return nil
}

// closeSurplus closes a source that can be reopened, if the job has more sources than
// are transferred concurrently.
func (s *sources) closeSurplus(ctx context.Context, source *openSource) {
	if len(s.byTask) > s.core.policy.Parallel && source.content.Reopenable {
		s.close(ctx, source)
	}
}

func (s *sources) closeAll(ctx context.Context) {
	for _, source := range s.byTask {
		s.close(ctx, source)
	}
}

// close closes a source. A failure, such as to remove a temporary copy, is only logged:
// the job may be paid for by then.
func (s *sources) close(ctx context.Context, source *openSource) {
	if source.content == nil {
		return
	}
	if err := source.content.Close(); err != nil {
		s.core.config.logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: cannot close the source", slog.Any("error", withoutSecrets(err)))
	}
	source.content = nil
}

// fill returns the tasks with the contents of the inline sources.
func (s *sources) fill(ctx context.Context, tasks map[string]map[string]any) (map[string]map[string]any, error) {
	filled := maps.Clone(tasks)
	for name, source := range s.byTask {
		if !source.inline {
			continue
		}
		if err := s.open(ctx, source, source.size); err != nil {
			return nil, err
		}
		file, err := readAll(ctx, source.content)
		if err != nil {
			return nil, err
		}
		s.close(ctx, source)
		filled[name] = map[string]any{
			"operation": OperationImportBase64,
			"file":      file, // encoding/json encodes bytes as base64
			"filename":  source.name,
		}
	}
	return filled, nil
}

// needUploads reports whether a source is to be uploaded after the creation of the job.
func (s *sources) needUploads() bool {
	for _, source := range s.byTask {
		if !source.inline {
			return true
		}
	}
	return false
}

// hasUploadForms reports whether a job, which may come from a list, has the forms that
// its uploads need.
func (s *sources) hasUploadForms(job *Job) bool {
	for name, source := range s.byTask {
		task, found := job.Task(name)
		waits := task.Operation == OperationImportUpload && task.Status == StatusWaiting
		if !source.inline && (!found || waits && task.Result.Form == nil) {
			return false
		}
	}
	return true
}

// awaited returns the sources that a job still waits for.
func (s *sources) awaited(job *Job) []*openSource {
	var awaited []*openSource
	for _, task := range job.Tasks {
		source := s.byTask[task.Name]
		waits := task.Operation == OperationImportUpload && task.Status == StatusWaiting
		if source != nil && waits && !s.core.uploads.Has(task.ID) && !slices.Contains(awaited, source) {
			awaited = append(awaited, source)
		}
	}
	return awaited
}
