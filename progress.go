package cloudconvert

import (
	"sync"
	"time"
)

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

// meter returns the meter of a transfer.
func (r *reporter) meter(phase Phase, work, name string, total int64) *meter {
	if r == nil {
		return nil
	}
	return &meter{reporter: r, progress: Progress{Work: work, Phase: phase, Name: name, Total: total}}
}

// progressInterval is how often the progress of a transfer is reported at most.
const progressInterval = 100 * time.Millisecond

// meter reports the progress of one transfer at a bounded rate. A nil meter reports
// nothing.
type meter struct {
	reporter *reporter
	progress Progress
	reported time.Time
}

// setTotal sets how many bytes there are in all.
func (m *meter) setTotal(total int64) {
	if m != nil {
		m.progress.Total = total
	}
}

// set reports how many bytes are done.
func (m *meter) set(done int64) {
	if m == nil {
		return
	}
	m.progress.Done = done
	if now := time.Now(); now.Sub(m.reported) >= progressInterval {
		m.reported = now
		m.reporter.report(m.progress)
	}
}

// end reports the final state.
func (m *meter) end(done int64) {
	if m == nil {
		return
	}
	m.progress.Done = done
	m.reporter.report(m.progress)
}
