package cloudconvert

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// journal remembers which items of a batch were begun and which are done. It
// is a file of JSON lines that only grows. A nil journal remembers nothing.
type journal struct {
	mu      sync.Mutex
	file    *os.File
	entries map[string]journalEntry // of earlier runs
}

// journalEntry is a line of the journal. The last one of a key counts.
type journalEntry struct {
	Key string `json:"key"`
	// Tag is the tag of the job that the item was begun with.
	Tag string `json:"tag,omitzero"`
	// Done and Files are set when the item is finished.
	Done  bool     `json:"done,omitzero"`
	Files []string `json:"files,omitzero"`
}

// isDone tells whether nothing is left to do: all files are still there.
func (e journalEntry) isDone() bool {
	for _, file := range e.Files {
		if _, err := os.Stat(file); err != nil {
			return false
		}
	}
	return e.Done
}

// openJournal reads a journal and goes on with it. It need not exist.
func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: file, entries: map[string]journalEntry{}}
	if err := j.read(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

// read reads what earlier runs have left. A last line without its end was
// never finished: it is completed, so that the next one stands alone.
func (j *journal) read() error {
	reader := bufio.NewReader(j.file)
	for {
		line, err := reader.ReadBytes('\n')
		var entry journalEntry
		if json.Unmarshal(line, &entry) == nil && entry.Key != "" {
			j.entries[entry.Key] = entry
		}
		switch {
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

// find returns what an earlier run has left of an item.
func (j *journal) find(key string) journalEntry {
	if j == nil {
		return journalEntry{}
	}
	return j.entries[key]
}

// begin notes the tag of a job that is about to be created.
func (j *journal) begin(key, tag string) error {
	return j.write(journalEntry{Key: key, Tag: tag})
}

// end notes that an item is finished.
func (j *journal) end(key string, files []string) error {
	if j == nil {
		return nil
	}
	return j.write(journalEntry{Key: key, Done: true, Files: files})
}

// write appends a line in a single write, which a process that ends cannot
// leave half done.
func (j *journal) write(entry journalEntry) error {
	line, err := encodeJSON(entry)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err = j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("cloudconvert: journal: %w", err)
	}
	return nil
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}
