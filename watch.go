package cloudconvert

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// watch polls a job and yields it when it has changed. Pauses grow while
// nothing changes.
func watch(ctx context.Context, o *observer[Job], yield func(*Job, error) bool) {
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	over, result := o.look(ctx)
	if !yield(o.last, result) || over {
		return
	}
	before := fingerprint(o.last)
	for unchanged := 0; ; unchanged++ {
		if poll.Pause(ctx, polls.Random(unchanged)) != nil {
			yield(o.last, o.interrupted(ctx))
			return
		}
		seen, err := o.ask(ctx, false)
		if over, result := o.judge(ctx, seen, err); over {
			yield(o.last, result)
			return
		}
		if err != nil || fingerprint(seen) == before {
			continue
		}
		before, unchanged = fingerprint(seen), -1
		if !yield(seen, nil) {
			return
		}
	}
}

// fingerprint stands for what a watcher wants to know of a job. Addresses,
// which differ from read to read, are no part of it.
func fingerprint(job *Job) string {
	var b strings.Builder
	b.WriteString(string(job.Status))
	for _, task := range sortedByName(job.Tasks) {
		fmt.Fprintf(&b, "\n%s %s %d %s", task.ID, task.Status, task.Percent, task.Message)
	}
	return b.String()
}
