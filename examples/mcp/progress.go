package main

import (
	"context"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/cloudconvert/cloudconvert-go"
)

// progress notifies the client how far a call is, from 0 to 100. Uploads are the first
// fifth, and downloads the last.
type progress struct {
	notify func(percent float64, message string) // nil if the client did not ask for it
	last   float64
}

func newProgress(ctx context.Context, request *mcp.CallToolRequest) *progress {
	token := request.Params.GetProgressToken()
	if token == nil {
		return &progress{}
	}
	return &progress{last: -1, notify: func(percent float64, message string) {
		_ = request.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
			ProgressToken: token, Progress: percent, Total: 100, Message: message,
		}) // the result of the call does not depend on it
	}}
}

// set notifies the client. Progress must increase: several files are sent at once, and
// each begins at 0.
func (p *progress) set(percent float64, message string) {
	if p.notify != nil && percent >= p.last+1 {
		p.last = percent
		p.notify(percent, message)
	}
}

// report is for the transfers of a call.
func (p *progress) report(step cloudconvert.Progress) {
	share := 0.0
	if step.Total > 0 {
		share = float64(step.Done) / float64(step.Total)
	}
	switch step.Phase {
	case cloudconvert.PhaseUpload:
		p.set(20*share, "uploading")
	case cloudconvert.PhaseDownload:
		p.set(80+20*share, "downloading")
	case cloudconvert.PhaseProcess: // reportTasks does
	}
}

// reportTasks reports how far the tasks of a job are.
func (p *progress) reportTasks(job *cloudconvert.Job) {
	sum := 0
	for _, task := range job.Tasks {
		switch {
		case task.Status.Terminal():
			sum += 100
		case task.Status == cloudconvert.StatusProcessing:
			sum += min(max(task.Percent, 0), 100)
		}
	}
	percent := sum / max(len(job.Tasks), 1)
	p.set(20+0.6*float64(percent), fmt.Sprintf("converting: %d %%", percent))
}
