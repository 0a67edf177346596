package transfer

import "time"

// reportInterval is how often the progress of a transfer is reported at most.
const reportInterval = 100 * time.Millisecond

// A meter reports the progress of one transfer at a bounded rate.
type meter struct {
	report   func(done, total int64) // may be nil
	reported time.Time
}

// moved reports how many bytes are done. The total is 0 or less if it is unknown.
func (m *meter) moved(done, total int64) {
	if m.report == nil || time.Since(m.reported) < reportInterval {
		return
	}
	m.reported = time.Now()
	m.report(done, max(total, 0))
}

// ended reports that all bytes are done.
func (m *meter) ended(total int64) {
	if m.report != nil {
		m.report(total, total)
	}
}
