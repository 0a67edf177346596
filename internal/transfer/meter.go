package transfer

import "time"

// reportInterval is the minimum time between progress reports.
const reportInterval = 100 * time.Millisecond

// A meter reports the progress of one transfer at a bounded rate.
type meter struct {
	report   func(done, total int64) // may be nil
	reported time.Time
}

// moved reports progress. A total of zero or less means that the size is unknown.
func (m *meter) moved(done, total int64) {
	if m.report == nil || time.Since(m.reported) < reportInterval {
		return
	}
	m.reported = time.Now()
	m.report(done, max(total, 0))
}

// ended reports the end of the transfer.
func (m *meter) ended(total int64) {
	if m.report != nil {
		m.report(total, total)
	}
}
