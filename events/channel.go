package events

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

// Channel is a stream of events. It is made by [Job], [JobTasks], [Task], [UserJobs],
// [UserTasks] or [Raw]. The zero value is not a channel.
type Channel struct {
	name string
	err  error
}

// Job returns the channel of a job, with the events job.*.
func Job(id string) Channel { return channel("private-job.", id, "") }

// JobTasks returns the channel of the tasks of a job, with the events task.*.
func JobTasks(id string) Channel { return channel("private-job.", id, ".tasks") }

// Task returns the channel of a task, with the events task.*.
func Task(id string) Channel { return channel("private-task.", id, "") }

// UserJobs returns the channel of all jobs of an account. The id is that of
// [cloudconvert.UsersService.Me].
func UserJobs(userID string) Channel { return channel("private-user.", userID, ".jobs") }

// UserTasks returns the channel of all tasks of an account. The id is that of
// [cloudconvert.UsersService.Me].
func UserTasks(userID string) Channel { return channel("private-user.", userID, ".tasks") }

// Raw returns a channel by its full name, for those that this package does not know.
func Raw(name string) Channel {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Channel{err: fmt.Errorf("%w: invalid channel name %q", cloudconvert.ErrInvalid, name)}
	}
	return Channel{name: name}
}

// identifier matches an id. Dots and stars have a meaning in the name of a channel.
var identifier = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func channel(prefix, id, suffix string) Channel {
	if !identifier.MatchString(id) {
		return Channel{err: fmt.Errorf("%w: invalid id %q", cloudconvert.ErrInvalid, id)}
	}
	return Channel{name: prefix + id + suffix}
}

// String returns the full name of the channel. It is empty for an invalid one.
func (c Channel) String() string { return c.name }

func (c Channel) check() error {
	if c.name == "" && c.err == nil {
		return fmt.Errorf("%w: the channel is empty: use Job or another function that returns a channel", cloudconvert.ErrInvalid)
	}
	return c.err
}
