package cloudconverttest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The events of tasks.
const (
	taskCreated = "task.created"
	taskUpdated = "task.updated"
)

// endOf is the event of a task that has ended.
func endOf(t *task) string {
	if t.status == finished {
		return "task.finished"
	}
	return "task.failed"
}

// The account has the channels of its jobs and its tasks.
var (
	userJobs  = "private-user." + strconv.Itoa(userID) + ".jobs"
	userTasks = "private-user." + strconv.Itoa(userID) + ".tasks"
)

const (
	jobChannel  = "private-job."
	taskChannel = "private-task."
	ofTasks     = ".tasks"
)

// tellJob tells the event socket about a job as it is at this moment.
func (s *Server) tellJob(event string, j *job) {
	body := func() any { return map[string]any{"job": s.wireJob(j, true)} }
	s.tell(event, body, jobChannel+j.id, userJobs)
}

// tellTasks tells the event socket about tasks as they are at this moment.
func (s *Server) tellTasks(event string, tasks ...*task) {
	for _, t := range tasks {
		channels := []string{taskChannel + t.id, userTasks}
		if t.job != nil {
			channels = append(channels, jobChannel+t.job.id+ofTasks)
		}
		s.tell(event, func() any { return map[string]any{"task": s.wireTask(t, nil)} }, channels...)
	}
}

func (s *Server) tell(event string, body func() any, channels ...string) {
	if err := s.events.tell(event, body, channels...); err != nil {
		s.log.Error("encode an event", "event", event, "error", err)
	}
}

// admission is the HTTP status for somebody who wants to join a channel.
func (s *Server) admission(channel, authorization string) int {
	c, ok := s.credential(authorization)
	switch {
	case !ok:
		return http.StatusUnauthorized
	case len(c.scopes) > 0 && !slices.Contains(c.scopes, "task.read"), !s.hasChannel(channel):
		return http.StatusForbidden
	}
	return http.StatusOK
}

// hasChannel reports whether a channel is one of the account.
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
