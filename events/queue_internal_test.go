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

var short = map[rune]Name{'u': TaskUpdated, 'c': JobCreated, 'f': TaskFinished, 'e': JobFailed, 'r': Resync, '?': "new.name"}

func TestQueue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		put, want string
	}{
		"nothing":                      {"", ""},
		"in order":                     {"rcuf", "rcuf"},
		"oldest progress first":        {"rcuuf", "ruuf"},
		"unknown is progress":          {"?uuff", "uuff"},
		"ends are kept":                {"fffff", "fffff"},
		"ends push progress out":       {"ucufeff", "feff"},
		"no room for progress":         {"reffuu", "reff"},
		"resyncs without events merge": {"rrrfrr", "rfr"},
		"resyncs with events do not":   {"rururu", "rrru"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(4)
			for _, r := range test.put {
				q.put(Event{Name: short[r]})
			}
			q.end(ErrClosed)
			q.put(Event{Name: JobFinished})
			var got strings.Builder
			for {
				event, err := q.next(t.Context())
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
		})
	}
}

// A program that does not read events must not run out of memory.
func TestQueueIsBounded(t *testing.T) {
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
			q := newQueue(256)
			for range many {
				q.put(event)
				require.LessOrEqual(t, len(q.progress), q.size)
				require.LessOrEqual(t, len(q.kept), maxKept)
				require.LessOrEqual(t, q.bytes, maxBytes)
			}
			resyncs, read := 0, 0
			for {
				got, found, _ := q.tryNext()
				if !found {
					break
				}
				if got.Name == Resync {
					require.ErrorIs(t, got.Err, errDropped)
					require.Zero(t, read, "the resync precedes the other events")
					resyncs++
					continue
				}
				read++
			}
			assert.Equal(t, event.Name.Ended(), resyncs == 1)
			assert.Zero(t, q.bytes)
		})
	}
}

func TestLongIDsAreIgnored(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"a": "a", strings.Repeat("a", maxID): strings.Repeat("a", maxID), strings.Repeat("a", maxID+1): ""} {
		assert.Equal(t, want, jobID(Event{Data: json.RawMessage(`{"job": {"id": "` + id + `"}}`)}))
	}
}

func TestMergedResyncHasLastReason(t *testing.T) {
	t.Parallel()
	q := newQueue(4)
	last := errors.New("the last")
	q.put(Event{Name: Resync})
	q.put(Event{Name: Resync, Err: errors.New("not the last")})
	q.put(Event{Name: Resync, Err: last})
	event, err := q.next(t.Context())
	require.NoError(t, err)
	assert.Equal(t, last, event.Err)
}

func TestNextReturnsErrorOfEndedContext(t *testing.T) {
	t.Parallel()
	q := newQueue(4)
	q.put(Event{Name: JobFinished})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := q.next(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestSeveralReaders(t *testing.T) {
	t.Parallel()
	q := newQueue(10_000)
	var mu sync.Mutex
	read := 0
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for {
				_, err := q.next(t.Context())
				if err != nil {
					assert.ErrorIs(t, err, ErrClosed)
					return
				}
				mu.Lock()
				read++
				mu.Unlock()
			}
		})
	}
	for range 5000 {
		q.put(Event{Name: TaskUpdated})
	}
	q.end(ErrClosed)
	readers.Wait()
	assert.Equal(t, 5000, read)
}

func BenchmarkQueue(b *testing.B) {
	q := newQueue(256)
	for b.Loop() {
		q.put(Event{Name: TaskUpdated})
		q.put(Event{Name: TaskFinished})
		for range 2 {
			if _, err := q.next(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
