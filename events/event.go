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

// Name is the name of an event. The set is open: unknown names pass through.
type Name string

// Events of jobs and tasks.
const (
	JobCreated   Name = "job.created"
	JobUpdated   Name = "job.updated"
	JobFinished  Name = "job.finished" // successfully
	JobFailed    Name = "job.failed"
	TaskCreated  Name = "task.created"
	TaskUpdated  Name = "task.updated" // also when its percentage has changed
	TaskFinished Name = "task.finished"
	TaskFailed   Name = "task.failed"
)

// Resync is an event of this package: the channel is joined, for the first time or
// after an interruption, or events had to be dropped. Earlier events may be missing, so
// this is the moment to ask the API for the state of jobs and tasks.
const Resync Name = "resync"

// Ended reports whether a job or task has ended, successfully or not.
func (n Name) Ended() bool {
	switch n {
	case JobFinished, JobFailed, TaskFinished, TaskFailed:
		return true
	default:
		return false
	}
}

// progress reports whether later events supersede the event.
func (n Name) progress() bool { return !n.Ended() && n != Resync }

// Event is a change of a job or a task, or a [Resync].
type Event struct {
	Name    Name
	Channel string
	// Data is what the service sent, usually an object with a job or a task in
	// it. It is nil if it sent nothing, and for a Resync.
	Data json.RawMessage
	// Err is the reason for a Resync: how the connection was lost, why the join is
	// repeated, or that events were dropped. It is nil for the first one.
	Err error
}

// Format prints the event without Data, which may hold the URLs of files, with every
// verb.
func (e Event) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, e.summary()) // fmt.State collects and never fails
}

// LogValue returns what Format prints.
func (e Event) LogValue() slog.Value { return slog.StringValue(e.summary()) }

func (e Event) summary() string {
	summary := fmt.Sprintf("event %s on %s with %d bytes", e.Name, e.Channel, len(e.Data))
	if e.Err != nil {
		summary += ": " + e.Err.Error()
	}
	return summary
}

// Job returns the job of a job event, in its state at that time.
func (e Event) Job() (*cloudconvert.Job, error) { return decode[cloudconvert.Job](e, "job") }

// Task returns the task of a task event, in its state at that time.
func (e Event) Task() (*cloudconvert.Task, error) { return decode[cloudconvert.Task](e, "task") }

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
