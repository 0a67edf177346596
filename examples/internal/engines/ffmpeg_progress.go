package engines

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// progress reads the progress of ffmpeg from two streams.
type progress struct {
	show func(percent int)

	mu    sync.Mutex
	total time.Duration
}

// length is the duration of the input, zero until ffmpeg has opened it.
func (p *progress) length() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total
}

var saidDuration = regexp.MustCompile(`^\s*Duration: (\d+):(\d\d):(\d\d)\.(\d\d)`)

// duration parses a line such as "Duration: 00:01:02.50, start: …". An input without a
// duration counts as very short.
func (p *progress) duration(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total == 0 && strings.HasPrefix(strings.TrimSpace(line), "Duration:") {
		p.total = max(parseClock(line), time.Millisecond)
	}
}

func parseClock(line string) time.Duration {
	found := saidDuration.FindStringSubmatch(line)
	if found == nil {
		return 0
	}
	var d time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second, 10 * time.Millisecond} {
		n, err := strconv.Atoi(found[i+1])
		if err != nil || n > 1_000_000 {
			return 0
		}
		d += time.Duration(n) * unit
	}
	return d
}

// position parses a line such as "out_time_us=1500000".
func (p *progress) position(line string) {
	text, ok := strings.CutPrefix(line, "out_time_us=")
	total := p.length()
	if !ok || total == 0 {
		return
	}
	if us, err := strconv.ParseInt(text, 10, 64); err == nil && us >= 0 {
		p.show(int(min(99, 100*(float64(us)/float64(total.Microseconds())))))
	}
}

// lines passes whole lines to a function. It discards those that are too long.
type lines struct {
	each func(line string)
	rest []byte
}

const maxLine = 64 << 10

func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte{'\n'})
		if !found {
			break
		}
		l.each(strings.TrimSuffix(string(line), "\r"))
		l.rest = rest
	}
	if len(l.rest) > maxLine {
		l.rest = nil
	}
	return len(b), nil
}
