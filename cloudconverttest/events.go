package cloudconverttest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// The events of tasks.
const (
	taskCreated = "task.created"
	taskUpdated = "task.updated"
)

// endEvent returns the event of a task that has ended.
func endEvent(t *task) string {
	if t.status == finished {
		return "task.finished"
	}
	return "task.failed"
}

// The channels of the account.
var (
	userJobs  = "private-user." + strconv.Itoa(userID) + ".jobs"
	userTasks = "private-user." + strconv.Itoa(userID) + ".tasks"
)

const (
	jobChannel  = "private-job."
	taskChannel = "private-task."
	ofTasks     = ".tasks"
)

// emitJob sends an event with the current state of a job to the event socket.
func (s *Server) emitJob(event string, j *job) {
	body := func() any { return map[string]any{"job": s.wireJob(j, true)} }
	s.emit(event, body, jobChannel+j.id, userJobs)
}

// notify sends an event with the current state of a job to the webhooks and to the event
// socket.
func (s *Server) notify(event string, j *job) {
	s.emitJob(event, j)
	s.webhooks.Notify(event, j.id, j.webhookURL, func() wire.Job { return s.wireJob(j, true) })
}

// emitTasks sends an event with the current state of each task to the event socket.
func (s *Server) emitTasks(event string, tasks ...*task) {
	for _, t := range tasks {
		channels := []string{taskChannel + t.id, userTasks}
		if t.job != nil {
			channels = append(channels, jobChannel+t.job.id+ofTasks)
		}
		s.emit(event, func() any { return map[string]any{"task": s.wireTask(t, nil)} }, channels...)
	}
}

func (s *Server) emit(event string, body func() any, channels ...string) {
	if err := s.events.emit(event, body, channels...); err != nil {
		s.log.Error("encode an event", "event", event, "error", err)
	}
}

// authorizeJoin returns the HTTP status for a join request.
func (s *Server) authorizeJoin(channel, authorization string) int {
	c, ok := s.keys.Find(authorization, s.clock.Now())
	switch {
	case !ok:
		return http.StatusUnauthorized
	case !c.May("task.read"), !s.hasChannel(channel):
		return http.StatusForbidden
	}
	return http.StatusOK
}

// hasChannel reports whether a channel belongs to the account.
func (s *Server) hasChannel(name string) bool {
	if name == userJobs || name == userTasks {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, ok := strings.CutPrefix(name, taskChannel); ok {
		_, found := s.tasks.get(id)
		return found
	}
	id, ok := strings.CutPrefix(strings.TrimSuffix(name, ofTasks), jobChannel)
	_, found := s.jobs.get(id)
	return ok && found
}
