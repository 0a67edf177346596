// Package journal records which works of a batch were begun, saved and done, so that a
// later run goes on where an earlier one has ended.
package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Journal is a file of JSON lines that only grows. Of what earlier runs have recorded it
// holds in memory only where to find it.
type Journal struct {
	locks []*flock.Flock
	lines map[workID]int64 // where in the file the last line of each work begins

	mu   sync.Mutex
	file *os.File
	torn bool // the last line has no end
}

// Open opens a journal, or makes one if the file does not exist. One run can use it at a
// time. The journal must be closed.
func Open(path string) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, inJournal(err)
	}
	j := &Journal{file: file, lines: map[workID]int64{}}
	if err := j.takeOver(); err != nil {
		return nil, inJournal(errors.Join(err, file.Close()))
	}
	return j, nil
}

func inJournal(err error) error { return fmt.Errorf("cloudconvert: journal: %w", err) }

// takeOver keeps other runs from using the journal, and reads what earlier ones have
// left. The first lock has a separate file, as on Windows a file that is locked cannot be
// read. That file is never removed: another run may be about to lock it. The second one
// is for a journal with several names, which are hard links.
func (j *Journal) takeOver() error {
	if info, err := j.file.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, fmt.Errorf("%q is not a regular file", j.file.Name()))
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

// tryLock locks a file for the journal at a path. Where the system has no locks, another
// run is not noticed.
func (j *Journal) tryLock(path, file string) error {
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

func (j *Journal) unlock() error {
	var errs []error
	for _, lock := range j.locks {
		errs = append(errs, lock.Unlock())
	}
	return errors.Join(errs...)
}

// read finds the lines that earlier runs have left. A last line without its end was never
// finished: it is completed, so that the next one stands alone.
func (j *Journal) read() error {
	reader := bufio.NewReaderSize(j.file, 64<<10)
	start, _ := reader.Peek(len(lineStart)) // of an empty file nothing
	isJournal := strings.HasPrefix(lineStart, string(start))
	for offset := int64(0); ; {
		text, err := readLine(reader)
		if id, ok := workOf(text); ok {
			j.lines[id] = offset
			isJournal = true
		}
		offset += int64(len(text))
		switch {
		case errors.Is(err, errLineTooLong):
			return fmt.Errorf("%q is not a journal: %w", j.file.Name(), err)
		case errors.Is(err, io.EOF) && !isJournal:
			return fmt.Errorf("%q is not a journal: nothing is written to it", j.file.Name())
		case errors.Is(err, io.EOF) && len(text) > 0:
			_, err = j.file.WriteString("\n")
			return err
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// Work returns the record of a work. Works are told apart by name and hash together.
func (j *Journal) Work(name, hash string) (Work, error) {
	w := Work{journal: j, name: name, hash: hash}
	offset, found := j.lines[newWorkID([]byte(name), []byte(hash))]
	if !found {
		return w, nil
	}
	rest := io.NewSectionReader(j.file, offset, math.MaxInt64-offset)
	text, err := readLine(bufio.NewReaderSize(rest, 512))
	var l line
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return Work{}, inJournal(err)
	case json.Unmarshal(text, &l) != nil || l.Name != name || l.Hash != hash:
		return Work{}, inJournal(fmt.Errorf("%q was changed while it was in use", j.file.Name()))
	}
	w.Earlier = l.Entry
	return w, nil
}

// errDisk is all that is known of a write that does not return.
var errDisk = errors.New("the file system has not responded")

// diskTime is how long a file system may take for a write once the context ended.
const diskTime = 100 * time.Millisecond

// within does something with the file, and waits for it until the context ends and
// diskTime more.
func within(ctx context.Context, do func() error) error {
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
		return inJournal(err)
	}
	return nil
}

// append appends a line in a single write, which a process that ends cannot leave half
// done. A full disk can: the next line begins with the end of that one. The line of a
// creation is on disk when append returns: the job costs more than a moment.
func (j *Journal) append(l line) error {
	text, err := l.encode()
	if err != nil {
		return err
	}
	if err := j.write(text); err != nil || l.Begun.IsZero() {
		return err
	}
	return j.file.Sync()
}

func (j *Journal) write(text []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.torn {
		text = append([]byte{'\n'}, text...)
	}
	n, err := j.file.Write(text)
	j.torn = j.torn && n == 0 || 0 < n && n < len(text)
	return err
}

// Close lets other runs use the journal, but no sooner than the last write is over.
func (j *Journal) Close(ctx context.Context) error {
	return within(ctx, func() error {
		j.mu.Lock()
		defer j.mu.Unlock()
		return errors.Join(j.file.Close(), j.unlock())
	})
}
