package cloudconvert

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// journal remembers which works of a batch were begun and which are done. It
// is a file of JSON lines that only grows. A nil journal remembers nothing.
type journal struct {
	mu      sync.Mutex
	locks   []*flock.Flock
	file    *os.File
	torn    bool                    // the last line has no end
	entries map[workID]journalEntry // of earlier runs
}

// workID is what tells works apart. A work of other tasks or of another destination is
// another one, whatever its name is.
type workID struct{ key, hash string }

// journalEntry is a line of the journal. The last one of a work counts.
type journalEntry struct {
	// Key is the name of the work.
	Key string `json:"key"`
	// Work is a hash of the tasks and the destination of the work.
	Work string `json:"work,omitzero"`
	// Tag is the tag of the job that the work was begun with.
	Tag string `json:"tag,omitzero"`
	// Files are written, if Done, or were about to be. None of them was there
	// before.
	Files []string `json:"files,omitzero"`
	// Sizes are those of Files that were about to be written, 0 where they are unknown.
	Sizes []int64 `json:"sizes,omitzero"`
	Done  bool    `json:"done,omitzero"`
	// Begun is when the creation of the job was last known to be under way, zero if that is
	// unknown.
	Begun lenient.Time `json:"begun,omitzero"`
}

// patience returns how much longer to look for a job that was not found. The run that
// created it may have ended up to noteInterval after its last note, and the job may
// appear up to settleTime after that.
func (e journalEntry) patience() time.Duration {
	if e.Done || len(e.Files) > 0 {
		return 0 // the job was there
	}
	age := max(time.Since(e.Begun.Time), 0) // the clock may have been set back
	if e.Begun.IsZero() {
		age = 0
	}
	return max(settleTime+noteInterval-age, 0)
}

// journalStart is what all lines of a journal begin with, as far as they go.
const journalStart = `{"key":`

// isDone reports whether nothing is left to do: all files are still there. As
// files appear whole, those of an item that was about to be done are as good.
func (e journalEntry) isDone() bool {
	return (e.Done || e.saving()) && len(e.ownFiles()) == len(e.Files)
}

// ownFiles returns the files that are there. As they appear whole, one that has another
// size than the one that was about to be written is not the same.
func (e journalEntry) ownFiles() []string {
	var own []string
	for n, file := range e.Files {
		info, err := os.Stat(file)
		if err != nil || n < len(e.Sizes) && e.Sizes[n] > 0 && e.Sizes[n] != info.Size() {
			continue
		}
		own = append(own, file)
	}
	return own
}

// saving reports whether the run ended while the files were written.
func (e journalEntry) saving() bool { return !e.Done && len(e.Files) > 0 }

// openJournal reads a journal and goes on with it. It need not exist.
func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: file, entries: map[workID]journalEntry{}}
	if err := j.takeOver(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

// takeOver keeps other runs from using the journal, and reads what earlier ones have
// left. The first lock has a separate file, as on Windows a file that is locked cannot be
// read. That file is never removed: another run may be about to lock it. The second one
// is for a journal with several names, which are hard links.
func (j *journal) takeOver() error {
	if info, err := j.file.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, fmt.Errorf("%q is no regular file", j.file.Name()))
	}
	path, err := filepath.EvalSymlinks(j.file.Name())
	if err != nil {
		return err
	}
	err = j.tryLock(path, path+".lock")
	if err == nil && runtime.GOOS != "windows" {
		err = j.tryLock(path, path)
	}
	if err == nil {
		err = j.read()
	}
	if err != nil {
		return errors.Join(err, j.unlock())
	}
	return nil
}

// tryLock locks a file for the journal at a path. Where the system has no locks, there is
// no telling whether there is another run.
func (j *journal) tryLock(path, file string) error {
	lock := flock.New(file, flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil && !errors.Is(err, errors.ErrUnsupported):
		return err
	case err == nil && !locked:
		return fmt.Errorf("another run is using the journal %q: wait for its end", path)
	}
	j.locks = append(j.locks, lock)
	return nil
}

func (j *journal) unlock() error {
	var errs []error
	for _, lock := range j.locks {
		errs = append(errs, lock.Unlock())
	}
	return errors.Join(errs...)
}

// read reads what earlier runs have left. A last line without its end was
// never finished: it is completed, so that the next one stands alone.
func (j *journal) read() error {
	reader := bufio.NewReader(j.file)
	start, _ := reader.Peek(len(journalStart)) // of an empty file nothing
	for {
		line, err := readLine(reader)
		var entry journalEntry
		if json.Unmarshal(line, &entry) == nil && entry.Key != "" {
			j.entries[workID{entry.Key, entry.Work}] = entry
		}
		switch {
		case errors.Is(err, errLineTooLong):
			return fmt.Errorf("%q is not a journal: %w", j.file.Name(), err)
		case errors.Is(err, io.EOF) && len(j.entries) == 0 && !strings.HasPrefix(journalStart, string(start)):
			return fmt.Errorf("%q is not a journal: nothing is written to it", j.file.Name())
		case errors.Is(err, io.EOF) && len(line) > 0:
			_, err = j.file.WriteString("\n")
			return err
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// maxJournalLine bounds a line. What it names are files of a single response.
const maxJournalLine = maxResponse

var errLineTooLong = fmt.Errorf("a line is longer than %d bytes", maxJournalLine)

// readLine returns the next line with its end. The last one may have none.
func readLine(reader *bufio.Reader) (line []byte, err error) {
	for {
		part, err := reader.ReadSlice('\n')
		if line = append(line, part...); len(line) > maxJournalLine {
			return nil, errLineTooLong
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// record appends a line. That of a creation is on disk when it returns: the job costs more
// than a moment.
func (j *journal) record(ctx context.Context, entry journalEntry) error {
	return j.within(ctx, func() error {
		if err := j.write(entry); err != nil || entry.Begun.IsZero() {
			return err
		}
		return j.file.Sync()
	})
}

// errDisk is all that is known of a write that does not return.
var errDisk = errors.New("the file system has not responded")

// within does something with the file of the journal, and waits for it until the
// context ends and diskTime more.
func (j *journal) within(ctx context.Context, do func() error) error {
	if j == nil {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- do() }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		timer := time.NewTimer(diskTime)
		defer timer.Stop()
		select {
		case err = <-done:
		case <-timer.C:
			err = errDisk
		}
	}
	if err != nil {
		return fmt.Errorf("cloudconvert: journal: %w", err)
	}
	return nil
}

// diskTime is how long a file system may take for a note once the context ended.
const diskTime = 100 * time.Millisecond

// write appends a line in a single write, which a process that ends cannot
// leave half done. A full disk can: the next line begins with the end of that one.
func (j *journal) write(entry journalEntry) error {
	line, err := encodeJSON(entry)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if line = append(line, '\n'); j.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := j.file.Write(line)
	j.torn = j.torn && n == 0 || 0 < n && n < len(line)
	return err
}

// close lets other runs use the journal, but no sooner than the last write is over.
func (j *journal) close(ctx context.Context) error {
	return j.within(ctx, func() error {
		j.mu.Lock()
		defer j.mu.Unlock()
		return errors.Join(j.file.Close(), j.unlock())
	})
}
