package events

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// names of the short forms that the tests use.
var short = map[rune]Name{'u': TaskUpdated, 'c': JobCreated, 'f': TaskFinished, 'e': JobFailed, 'r': Resync, '?': "new.name"}

func TestMailbox(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		put, want string
		dropped   int64
	}{
		"nothing":                   {"", "", 0},
		"in order":                  {"rcuf", "rcuf", 0},
		"oldest progress first":     {"rcuuf", "ruuf", 1},
		"unknown is progress":       {"?uuff", "uuff", 1},
		"ends are kept":             {"fffff", "fffff", 0},
		"ends push progress out":    {"ucufeff", "feff", 3},
		"no room for progress":      {"reffuu", "reff", 2},
		"gaps without events merge": {"rrrfrr", "rfr", 0},
		"gaps with events do not":   {"rururu", "rrru", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMailbox(4)
			for _, r := range test.put {
				m.put(Event{Name: short[r]})
			}
			m.end(ErrClosed)
			m.put(Event{Name: JobFinished})
			var got strings.Builder
			for {
				event, err := m.take(t.Context())
				if err != nil {
					require.ErrorIs(t, err, ErrClosed)
					break
				}
				for r, name := range short {
					if name == event.Name {
						got.WriteRune(r)
					}
				}
			}
			assert.Equal(t, test.want, got.String())
			assert.Equal(t, test.dropped, m.lost())
		})
	}
}

// A program that never takes anything must not run out of memory.
func TestWhatNobodyTakesIsBounded(t *testing.T) {
	t.Parallel()
	megabyte := make(json.RawMessage, 1<<20) // the same for all
	for name, event := range map[string]Event{
		"progress":       {Name: TaskUpdated},
		"ends":           {Name: TaskFinished},
		"large progress": {Name: TaskUpdated, Data: megabyte},
		"large ends":     {Name: TaskFinished, Data: megabyte},
		"huge ends":      {Name: TaskFinished, Data: make(json.RawMessage, maxBytes)},
		"long names":     {Name: Name(megabyte)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const many = 10_000
			m := newMailbox(256)
			for range many {
				m.put(event)
				require.LessOrEqual(t, len(m.progress), m.size)
				require.LessOrEqual(t, len(m.kept), maxKept)
				require.LessOrEqual(t, m.bytes, maxBytes)
			}
			gaps, taken := 0, 0
			for {
				got, found, _ := m.poll()
				if !found {
					break
				}
				if got.Name == Resync {
					require.ErrorIs(t, got.Err, errNotTaken)
					require.Zero(t, taken, "the gap is before what is left")
					gaps++
					continue
				}
				taken++
			}
			assert.Equal(t, event.Name.Ended(), gaps == 1)
			assert.Zero(t, m.bytes)
			assert.Equal(t, int64(many-taken), m.lost())
		})
	}
}

func TestLongIDsAreNotRemembered(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"a": "a", strings.Repeat("a", maxID): strings.Repeat("a", maxID), strings.Repeat("a", maxID+1): ""} {
		assert.Equal(t, want, jobOf(Event{Data: json.RawMessage(`{"job": {"id": "` + id + `"}}`)}))
	}
}

func TestAMergedGapHasTheLastReason(t *testing.T) {
	t.Parallel()
	m := newMailbox(4)
	last := errors.New("the last")
	m.put(Event{Name: Resync})
	m.put(Event{Name: Resync, Err: errors.New("not the last")})
	m.put(Event{Name: Resync, Err: last})
	event, err := m.take(t.Context())
	require.NoError(t, err)
	assert.Equal(t, last, event.Err)
}

func TestAnEndedContextComesFirst(t *testing.T) {
	t.Parallel()
	m := newMailbox(4)
	m.put(Event{Name: JobFinished})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := m.take(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestSeveralTakers(t *testing.T) {
	t.Parallel()
	m := newMailbox(10_000)
	var mu sync.Mutex
	taken := 0
	var takers sync.WaitGroup
	for range 8 {
		takers.Go(func() {
			for {
				_, err := m.take(t.Context())
				if err != nil {
					assert.ErrorIs(t, err, ErrClosed)
					return
				}
				mu.Lock()
				taken++
				mu.Unlock()
			}
		})
	}
	for range 5000 {
		m.put(Event{Name: TaskUpdated})
	}
	m.end(ErrClosed)
	takers.Wait()
	assert.Equal(t, 5000, taken)
}

func BenchmarkMailbox(b *testing.B) {
	m := newMailbox(256)
	for b.Loop() {
		m.put(Event{Name: TaskUpdated})
		m.put(Event{Name: TaskFinished})
		for range 2 {
			if _, err := m.take(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
