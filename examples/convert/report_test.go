package main

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

func TestStatusLineStaysBelowMessages(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	term := &terminal{out: &out, width: func() int { return 10 }}
	term.show("a long status line")
	term.printf("failed: %s", "x")
	term.show("")
	assert.Equal(t, clearLine+"a long st"+clearLine+"failed: x\na long st"+clearLine, out.String())
}

// Both outputs may be the same terminal.
func TestPathsAreNotMixedWithTheStatusLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	term := &terminal{out: &out, width: func() int { return 80 }}
	term.show("status")
	require.NoError(t, term.without(func() error { return printPaths(&out, []string{"a.jpg", "b.jpg"}) }))
	assert.Equal(t, clearLine+"status"+clearLine+"a.jpg\nb.jpg\n"+clearLine+"status", out.String())
}

func TestWithoutTerminalThereAreOnlyMessages(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	term := newTerminal(&out)
	p := newProgress(term, 3)
	term.show("status")
	term.printf("a message")
	p.stop()
	assert.Equal(t, "a message\n", out.String())
}

func TestNamesCannotControlTheTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	newTerminal(&out).printf("%s", "a\x1b[2J\r\nb\u202ec é")
	assert.Equal(t, "a?[2J??b?c é\n", out.String())
}

func TestProgressIsDrawnUntilItStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&terminal{out: &out, width: func() int { return 200 }}, 4)
		p.report(cloudconvert.Progress{Work: "a.png", Phase: cloudconvert.PhaseUpload, Done: 1, Total: 2})
		p.end(converted)
		p.end(doneBefore)
		p.end(failed)
		time.Sleep(61 * time.Second) //nolint:forbidigo // the time of a bubble
		p.stop()
		assert.Contains(t, out.String(), clearLine+"3 of 4 files, 1 failed, elapsed 1:01, left about 0:30, a.png uploading 50 %"+clearLine)
		assert.Equal(t, clearLine, out.String()[out.Len()-len(clearLine):])
	})
}

func TestStep(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]cloudconvert.Progress{
		"uploading":       {Phase: cloudconvert.PhaseUpload, Done: 5},
		"converting 40 %": {Phase: cloudconvert.PhaseProcess, Percent: 40},
		"downloading 5 %": {Phase: cloudconvert.PhaseDownload, Done: 5, Total: 100},
	} {
		assert.Equal(t, want, step(p))
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0:00", 400 * time.Millisecond: "0:00", 59700 * time.Millisecond: "1:00", time.Hour + time.Second: "1:00:01",
	} {
		assert.Equal(t, want, clock(d))
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "0 converted, time: 0:00", (&summary{}).line(0))
	assert.Equal(t, "1 converted, 2 done before, 3 failed, 4 interrupted, 5 not begun, 6 skipped, credits used: 7, time: 0:08",
		(&summary{counts: [notBegun + 1]int{1, 2, 3, 4, 5}, skipped: 6, credits: 7}).line(8*time.Second))
}
