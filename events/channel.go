package events

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

// Channel is a stream of events that can be subscribed to. It is made by [Job]
// and the functions beside it. The zero value is no channel.
type Channel struct {
	name string
	err  error
}

// Job is the channel of what happens to a job: the events job.*.
func Job(id string) Channel { return channel("private-job.", id, "") }

// JobTasks is the channel of what happens to the tasks of a job: the events
// task.*.
func JobTasks(id string) Channel { return channel("private-job.", id, ".tasks") }

// Task is the channel of what happens to a task: the events task.*.
func Task(id string) Channel { return channel("private-task.", id, "") }

// UserJobs is the channel of what happens to all jobs of an account. The id is
// that of [cloudconvert.UsersService.Me].
func UserJobs(userID string) Channel { return channel("private-user.", userID, ".jobs") }

// UserTasks is the channel of what happens to all tasks of an account. The id
// is that of [cloudconvert.UsersService.Me].
func UserTasks(userID string) Channel { return channel("private-user.", userID, ".tasks") }

// Raw is a channel by its full name, for those that this package does not know.
func Raw(name string) Channel {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Channel{err: fmt.Errorf("%w: %q is no name of a channel", cloudconvert.ErrInvalid, name)}
	}
	return Channel{name: name}
}

// identifier is what an id looks like. In the name of a channel, dots and stars mean something else.
var identifier = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func channel(prefix, id, suffix string) Channel {
	if !identifier.MatchString(id) {
		return Channel{err: fmt.Errorf("%w: %q is no id", cloudconvert.ErrInvalid, id)}
	}
	return Channel{name: prefix + id + suffix}
}

// String is the full name of the channel. It is empty for one that cannot be
// subscribed to.
func (c Channel) String() string { return c.name }

// check refuses what is no channel.
func (c Channel) check() error {
	if c.name == "" && c.err == nil {
		return fmt.Errorf("%w: the channel is empty: use Job or one of the functions beside it", cloudconvert.ErrInvalid)
	}
	return c.err
}
