package socket

import (
	"net/http"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/limits"
)

const (
	jobChannel  = "private-job."
	taskChannel = "private-task."
	ofTasks     = ".tasks"
)

// Channels are the channels of the account, and those of its jobs and tasks.
type Channels struct {
	UserID string
	Keys   *limits.Keys
	Now    func() time.Time
	// HasJob and HasTask report whether there is a job or a task with an id.
	HasJob, HasTask func(id string) bool
}

func (c Channels) userJobs() string { return "private-user." + c.UserID + ".jobs" }

func (c Channels) userTasks() string { return "private-user." + c.UserID + ".tasks" }

// Authorize returns the HTTP status for a request to join a channel.
func (c Channels) Authorize(channel, authorization string) int {
	found, ok := c.Keys.Find(authorization, c.Now())
	switch {
	case !ok:
		return http.StatusUnauthorized
	case !found.May("task.read"), !c.has(channel):
		return http.StatusForbidden
	}
	return http.StatusOK
}

// has reports whether a channel belongs to the account.
func (c Channels) has(name string) bool {
	if name == c.userJobs() || name == c.userTasks() {
		return true
	}
	if id, ok := strings.CutPrefix(name, taskChannel); ok {
		return c.HasTask(id)
	}
	id, ok := strings.CutPrefix(strings.TrimSuffix(name, ofTasks), jobChannel)
	return ok && c.HasJob(id)
}
