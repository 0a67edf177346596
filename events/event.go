package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// Name says what happened. The set is open: unknown names pass through.
type Name string

// What happens to jobs and tasks.
const (
	JobCreated   Name = "job.created"
	JobUpdated   Name = "job.updated"
	JobFinished  Name = "job.finished" // ended well
	JobFailed    Name = "job.failed"   // ended badly
	TaskCreated  Name = "task.created"
	TaskUpdated  Name = "task.updated" // also when its percentage has changed
	TaskFinished Name = "task.finished"
	TaskFailed   Name = "task.failed"
)

// Resync comes from this package: the channel was joined, at the beginning or
// again, or events had to be dropped. What happened before may be missing, so this is the moment to ask the
// API how things are.
const Resync Name = "resync"

// Ended reports whether a job or task has ended, well or badly.
func (n Name) Ended() bool {
	switch n {
	case JobFinished, JobFailed, TaskFinished, TaskFailed:
		return true
	default:
		return false
	}
}

// progress reports whether an event is worth less than those that come after it.
func (n Name) progress() bool { return !n.Ended() && n != Resync }

// Event is something that happened.
type Event struct {
	Name    Name
	Channel string
	// Data is what the service sent, usually an object with a job or a task in
	// it. It is nil if it sent nothing, and for a Resync.
	Data json.RawMessage
	// Err is why a Resync was necessary: how the line was lost, why the join has
	// to be repeated, or that too many events were not taken in time. It is nil
	// for the first one.
	Err error
}

// Format prints what happened where without Data, which may hold the URLs of files,
// whatever the verb.
func (e Event) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, e.outline()) // fmt collects and never fails
}

// LogValue is what Format prints.
func (e Event) LogValue() slog.Value { return slog.StringValue(e.outline()) }

func (e Event) outline() string {
	outline := fmt.Sprintf("event %s on %s with %d bytes", e.Name, e.Channel, len(e.Data))
	if e.Err != nil {
		outline += ": " + e.Err.Error()
	}
	return outline
}

// Job returns the job that a job event is about, as it was then.
func (e Event) Job() (*cloudconvert.Job, error) { return decode[cloudconvert.Job](e, "job") }

// Task returns the task that a task event is about, as it was then.
func (e Event) Task() (*cloudconvert.Task, error) { return decode[cloudconvert.Task](e, "task") }

// decode reads the object of a kind.
func decode[T any](e Event, kind string) (*T, error) {
	var wire map[string]json.RawMessage
	if err := lenient.CheckDensity(e.Data); err != nil {
		return nil, fmt.Errorf("cloudconvert: events: the %s of the event %q cannot be read: %w", kind, e.Name, err)
	}
	if json.Unmarshal(e.Data, &wire) != nil || len(wire[kind]) == 0 {
		return nil, fmt.Errorf("cloudconvert: events: the event %q has no %s", e.Name, kind)
	}
	var object *T
	err := json.Unmarshal(wire[kind], &object)
	if err == nil && object == nil {
		err = errors.New("it is null")
	}
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: events: the %s of the event %q cannot be read: %w", kind, e.Name, err)
	}
	return object, nil
}
