package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
)

// joinDelay is how long a join may take to have its effect. Earlier events are lost.
const joinDelay = 2 * time.Second

// patience is how long the event socket may be disconnected before that is reported.
const patience = 2 * time.Second

// follower shows the progress of tasks.
type follower struct {
	client   *cloudconvert.Client
	listener *events.Client
	screen   *screen
	stderr   io.Writer
}

// job follows a job to its end. The events show the progress. The wait also ends without
// them.
func (f *follower) job(ctx context.Context, id string) error {
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	followed := make(chan error, 1)
	go func() {
		followed <- f.follow(following, events.JobTasks(id), func(ctx context.Context) ([]cloudconvert.Task, error) {
			job, err := f.client.Jobs.Get(ctx, id)
			if err != nil {
				return nil, err
			}
			return job.Tasks, nil
		})
	}()
	job, err := f.client.Jobs.Wait(ctx, id, cloudconvert.WithSignal(f.listener), cloudconvert.WithPendingUpload())
	cancel()
	if failure := <-followed; !errors.Is(failure, context.Canceled) {
		fmt.Fprintln(f.stderr, "watch: there were not all events:", failure)
	}
	if job != nil {
		f.screen.show(job.Tasks...)
	}
	return err
}

// account follows all tasks of the account until it is interrupted.
func (f *follower) account(ctx context.Context) error {
	user, err := f.client.Users.Me(ctx)
	if err != nil {
		return err
	}
	err = f.follow(ctx, events.UserTasks(user.ID), f.running)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// running returns the newest tasks of the account that have not ended, and those that are
// shown as running.
func (f *follower) running(ctx context.Context) ([]cloudconvert.Task, error) {
	var tasks []cloudconvert.Task
	for _, id := range f.screen.open() {
		task, err := f.client.Tasks.Get(ctx, id)
		if err != nil && !errors.Is(err, cloudconvert.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			tasks = append(tasks, *task)
		}
	}
	for _, status := range []cloudconvert.Status{cloudconvert.StatusWaiting, cloudconvert.StatusProcessing} {
		page, err := f.client.Tasks.List(ctx, cloudconvert.TaskListOptions{Status: status})
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, page.Data...)
	}
	return tasks, nil
}

// reader reads the tasks that are followed.
type reader func(context.Context) ([]cloudconvert.Task, error)

// follow shows the tasks of a channel as they change. When events may be missing, it
// requests the tasks.
func (f *follower) follow(ctx context.Context, channel events.Channel, read reader) error {
	var aside sync.WaitGroup
	defer aside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var joined atomic.Bool
	aside.Go(func() { f.explain(ctx, &joined) })
	subscription, err := f.listener.Subscribe(ctx, channel)
	if err != nil {
		return err
	}
	defer subscription.Close()
	joined.Store(true)
	for event, err := range subscription.Events(ctx) {
		if err != nil {
			return err
		}
		if event.Name == events.Resync {
			aside.Go(func() { f.catchUp(ctx, read) })
		} else if task, err := event.Task(); err == nil {
			f.screen.show(*task)
		}
	}
	return events.ErrClosed
}

// explain shows why there are no events while the event socket is disconnected.
func (f *follower) explain(ctx context.Context, joined *atomic.Bool) {
	looks := time.NewTicker(patience)
	defer looks.Stop()
	said := ""
	for {
		select {
		case <-looks.C:
		case <-ctx.Done():
			return
		}
		reason := ""
		switch err := f.listener.Err(); {
		case err != nil:
			reason = err.Error()
		case joined.Load():
		case said == "":
			reason = "it does not respond"
		default:
			reason = said // it was disconnected for a moment
		}
		if reason != said && reason != "" {
			fmt.Fprintln(f.stderr, "watch: no connection to the event socket:", reason)
		}
		said = reason
	}
}

// catchUp requests the tasks at once, and when the join has taken effect. After a failure
// the next events show the tasks.
func (f *follower) catchUp(ctx context.Context, read reader) {
	for _, after := range []time.Duration{0, joinDelay} {
		select {
		case <-time.After(after):
		case <-ctx.Done():
			return
		}
		if tasks, err := read(ctx); err == nil {
			f.screen.show(tasks...)
		}
	}
}

// describe returns the line of a task.
func describe(task cloudconvert.Task) string {
	name := task.Name
	if name == "" {
		name = string(task.Operation)
	}
	line := fmt.Sprintf("%-20s %-10s", printable(name), printable(string(task.Status)))
	switch {
	case task.Status == cloudconvert.StatusProcessing:
		line += fmt.Sprintf(" %3d %%", task.Percent)
	case task.Message != "":
		line += " " + printable(task.Message)
	}
	return strings.TrimRight(line, " ")
}

// printable keeps names and messages from controlling the terminal.
func printable(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
