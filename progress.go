package cloudconvert

import "sync"

// Phase is the phase of a job that a [Progress] is about.
type Phase string

// The phases of a job.
const (
	PhaseUpload   Phase = "upload"
	PhaseProcess  Phase = "process" // the service works on the job
	PhaseDownload Phase = "download"
)

// Progress is the progress of a job or a transfer.
type Progress struct {
	// Work is the name of the work, see [Work]. Outside of a batch it is what
	// [Source.String] returns for the first source, or empty without one.
	Work  string
	Phase Phase
	// Name is the name of the file that is transferred. It is empty in [PhaseProcess].
	Name string
	// Done and Total are bytes. Total is 0 while it is unknown. Both are 0 in
	// [PhaseProcess].
	Done, Total int64
	// Percent is the progress of the tasks of the job, from 0 to 100, in
	// [PhaseProcess].
	Percent int
}

// reporter calls a function of the caller, never twice at the same time. A nil reporter
// does nothing.
type reporter struct {
	mu sync.Mutex
	f  func(Progress)
}

func newReporter(f func(Progress)) *reporter {
	if f == nil {
		return nil
	}
	return &reporter{f: f}
}

func (r *reporter) report(p Progress) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.f(p)
}

// transfer returns a function that reports the progress of a transfer, or nil.
func (r *reporter) transfer(phase Phase, work, name string) func(done, total int64) {
	if r == nil {
		return nil
	}
	return func(done, total int64) {
		r.report(Progress{Work: work, Phase: phase, Name: name, Done: done, Total: total})
	}
}
