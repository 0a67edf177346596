// Package journal records which works of a batch were begun, saved and done, so that a
// later run continues where an earlier one ended.
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

// Journal is an append-only file of JSON lines. In memory it keeps only the offsets of
// the lines of earlier runs. It is safe for concurrent use.
type Journal struct {
	locks []*flock.Flock
	lines map[workID]int64 // offset of the last line of each work

	mu   sync.Mutex
	file *os.File
	torn bool // the last line is incomplete
}

// Open opens a journal, and creates the file if it does not exist. Only one run can use a
// journal at a time. The caller must close it.
func Open(path string) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, journalError(err)
	}
	j := &Journal{file: file, lines: map[workID]int64{}}
	if err := j.takeOver(); err != nil {
		return nil, journalError(errors.Join(err, file.Close()))
	}
	return j, nil
}

func journalError(err error) error { return fmt.Errorf("cloudconvert: journal: %w", err) }

// takeOver locks the journal and reads it. The first lock uses a separate file, because
// on Windows a locked file cannot be read. That file is never removed, since another run
// may be about to lock it. The second lock is for a journal with several names, which are
// hard links.
func (j *Journal) takeOver() error {
	switch info, err := j.file.Stat(); {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is not a regular file", j.file.Name())
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

// tryLock locks a file for the journal at a path. If the system does not support locks,
// other runs are not detected.
func (j *Journal) tryLock(path, file string) error {
	lock := flock.New(file, flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil && !errors.Is(err, errors.ErrUnsupported):
		return err
	case err == nil && !locked:
		return fmt.Errorf("another run is using the journal %q: wait until it ends", path)
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

// read finds the lines of earlier runs. An incomplete last line is terminated, so that
// the next line stands alone.
func (j *Journal) read() error {
	reader := bufio.NewReaderSize(j.file, 64<<10)
	// The file may be shorter than lineStart: it may be empty, or its only line incomplete.
	// It is then a journal if it is the beginning of lineStart, not the reverse.
	start, _ := reader.Peek(len(lineStart))
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
			return fmt.Errorf("%q is not a journal: name another file", j.file.Name())
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

// Work returns the record of a work. A work is identified by its name and hash.
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
		return Work{}, journalError(err)
	case json.Unmarshal(text, &l) != nil || l.Name != name || l.Hash != hash:
		return Work{}, journalError(fmt.Errorf("%q was changed while it was in use", j.file.Name()))
	}
	w.Earlier = l.Entry
	return w, nil
}

// errDisk is returned for a write that does not return in time.
var errDisk = errors.New("the file system has not responded")

// diskTime is how long a write may take after the context ended.
const diskTime = 100 * time.Millisecond

// within calls do, and waits for it until diskTime after the end of the context.
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
		return journalError(err)
	}
	return nil
}

// append appends a line in a single write, so that a process that is killed cannot leave
// it incomplete. A full disk can: the next write then terminates it first. The line of a
// creation is synced to disk, because losing it may cost a job.
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

// Close closes the journal and unlocks it for other runs, after writes in progress have
// ended.
func (j *Journal) Close(ctx context.Context) error {
	return within(ctx, func() error {
		j.mu.Lock()
		defer j.mu.Unlock()
		return errors.Join(j.file.Close(), j.unlock())
	})
}
