package cloudconvert

import "sync"

// Phase is what a [Progress] is about.
type Phase string

// The phases of a job.
const (
	PhaseUpload   Phase = "upload"
	PhaseProcess  Phase = "process" // the service works on the job
	PhaseDownload Phase = "download"
)

// Progress is how far a work has got.
type Progress struct {
	// Work is the name of the work, see [Work]. Outside of a batch it is what
	// [Source.String] returns of the first source. It is empty where there is none.
	Work  string
	Phase Phase
	// Name is the file that is transferred. It is empty in [PhaseProcess].
	Name string
	// Done and Total are bytes. Total is 0 while it is unknown. Both are 0 in
	// [PhaseProcess].
	Done, Total int64
	// Percent is how far the tasks of the job have got, in [PhaseProcess].
	Percent int
}

// reporter calls the function of a caller, which need not be safe for concurrent use. A
// nil reporter reports nothing.
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

// transfer returns what reports the progress of a transfer. It is nil if nothing does.
func (r *reporter) transfer(phase Phase, work, name string) func(done, total int64) {
	if r == nil {
		return nil
	}
	return func(done, total int64) {
		r.report(Progress{Work: work, Phase: phase, Name: name, Done: done, Total: total})
	}
}
