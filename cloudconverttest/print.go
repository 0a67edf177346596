package cloudconverttest

import (
	"fmt"
	"strconv"
	"strings"
)

// Snapshots have bodies, files and URLs in them. They are printed as an outline: their
// fields are complete.

// Format prints the status of the job and its tasks, for any verb.
func (j Job) Format(s fmt.State, _ rune) {
	tasks := make([]string, 0, len(j.Tasks))
	for _, task := range j.Tasks {
		tasks = append(tasks, task.outline())
	}
	text := fmt.Sprintf("job %s %s [%s]", j.ID, j.Status, strings.Join(tasks, ", "))
	if j.Tag != "" {
		text += fmt.Sprintf(" with the tag %q", j.Tag)
	}
	write(s, text)
}

// Format prints the status of the task and the names of its files, for any verb.
func (t Task) Format(s fmt.State, _ rune) { write(s, t.outline()) }

func (t Task) outline() string {
	name := t.Name
	if name == "" {
		name = t.ID
	}
	parts := []string{"task", name, "(" + t.Operation + ")", t.Status}
	if t.Code != "" {
		parts = append(parts, t.Code)
	}
	if t.Message != "" {
		parts = append(parts, strconv.Quote(t.Message))
	}
	for _, file := range t.Files {
		parts = append(parts, strconv.Quote(file.Name))
	}
	return strings.Join(parts, " ")
}

// Format prints the event, the receiver and its response, for any verb.
func (d Delivery) Format(s fmt.State, _ rune) {
	text := fmt.Sprintf("delivery %d of %s of job %s to %s (%d bytes): ", d.Attempt, d.Event, d.JobID, d.URL, len(d.Body))
	if d.Err != nil {
		write(s, text+d.Err.Error())
		return
	}
	write(s, text+fmt.Sprint("status ", d.Status))
}

func write(s fmt.State, text string) { _, _ = fmt.Fprint(s, text) } // fmt collects and never fails
