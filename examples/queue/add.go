package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// conversion are the arguments of a queued job: the conversion of one file.
type conversion struct {
	Source      string `json:"source"`                     // absolute
	Destination string `json:"destination" river:"unique"` // absolute
	// Batch is random, see key.
	Batch string `json:"batch"`
}

// Kind is the name of such jobs in the database.
func (conversion) Kind() string { return "conversion" }

// The priorities of jobs. What has begun comes first: the service keeps results for 24
// hours, and a large queue may take longer.
const (
	priorityBegun = 1
	priorityNew   = 2
)

// InsertOpts lets no two jobs that have not ended write the same file.
func (conversion) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Priority: priorityNew,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
			rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}},
	}
}

// chunk is how many files are added in one transaction.
const chunk = 1000

// add adds files to the queue. It skips files that cannot be converted, and returns an
// error if there are any.
func add(ctx context.Context, s settings, stderr io.Writer) error {
	var jobs []river.InsertManyParams
	refused := 0
	batch, claims := rand.Text(), map[string]string{}
	for _, path := range s.sources {
		c, err := s.conversion(path)
		claimed := claims[c.Destination]
		switch {
		case err == nil && claimed == "":
			c.Batch, claims[c.Destination] = batch, c.Source
			jobs = append(jobs, river.InsertManyParams{Args: c})
			continue
		case err == nil && claimed == c.Source:
			continue // it is named twice
		case err == nil:
			err = claimedError(c, claimed)
		}
		refused++
		fmt.Fprintln(stderr, "queue:", err)
	}
	added, claimed, err := insert(ctx, s, jobs, stderr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "queue: %d of %d files added\n", added, len(jobs)+refused)
	refused += claimed
	if refused > 0 {
		return errors.New("not all files were added")
	}
	return nil
}

// insert inserts jobs, but for those of files that are in the queue already, and those
// whose destination is claimed by another file in the queue.
func insert(ctx context.Context, s settings, jobs []river.InsertManyParams, stderr io.Writer) (added, claimed int, err error) {
	if len(jobs) == 0 {
		return 0, 0, nil
	}
	db, err := open(ctx, s, true)
	if err != nil {
		return 0, 0, err
	}
	defer db.close() //nolint:errcheck // everything is committed by then.
	client, err := db.client(slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, 0, err
	}
	for part := range slices.Chunk(jobs, chunk) {
		results, err := client.InsertMany(ctx, part)
		if err != nil {
			return added, claimed, fmt.Errorf("add to %v: %w", &s, err)
		}
		for i, result := range results {
			err := duplicateError(part[i].Args, result)
			switch {
			case err == nil:
				added++
				continue
			case !errors.Is(err, errKnown):
				claimed++
			}
			fmt.Fprintln(stderr, "queue:", err)
		}
	}
	return added, claimed, nil
}

// duplicateError returns why a job was not inserted, or nil.
func duplicateError(args river.JobArgs, result *rivertype.JobInsertResult) error {
	if !result.UniqueSkippedAsDuplicate {
		return nil
	}
	c, _ := args.(conversion)
	var earlier conversion
	if err := json.Unmarshal(result.Job.EncodedArgs, &earlier); err != nil {
		return fmt.Errorf("%s is in the queue already, as job %d: %w", c.Destination, result.Job.ID, err)
	}
	return claimedError(c, earlier.Source)
}

var errKnown = errors.New("it is in the queue already")

// claimedError says that the destination of a file belongs to a queued one.
func claimedError(c conversion, claimed string) error {
	if claimed == c.Source {
		return fmt.Errorf("%s: %w", c.Source, errKnown)
	}
	return fmt.Errorf("%s would become %s, and so does %s: use -o for one of them", c.Source, c.Destination, claimed)
}

// conversion returns the job for a file, or why it cannot be converted.
func (s *settings) conversion(path string) (conversion, error) {
	source, err := filepath.Abs(path)
	if err != nil {
		return conversion{}, err
	}
	info, err := os.Stat(source)
	if err != nil {
		return conversion{}, err
	}
	extension := filepath.Ext(source)
	name := filepath.Base(source)
	switch {
	case info.IsDir():
		return conversion{}, fmt.Errorf("%s is a directory: name the files in it", path)
	case !info.Mode().IsRegular():
		return conversion{}, fmt.Errorf("%s is not a file", path)
	case len(extension) < 2 || extension == name:
		return conversion{}, fmt.Errorf("cannot tell the format of %s: add an extension such as .docx to its name", path)
	case !utf8.ValidString(source):
		return conversion{}, fmt.Errorf("the path %q is not UTF-8, which the queue cannot store: rename it", source)
	}
	dir := s.dir
	if dir == "" {
		dir = filepath.Dir(source)
	}
	destination, err := filepath.Abs(filepath.Join(dir, strings.TrimSuffix(name, extension)+"."+s.to))
	if err != nil {
		return conversion{}, err
	}
	if _, err := os.Lstat(destination); err == nil {
		return conversion{}, fmt.Errorf("%s exists already: move it away, or use -o", destination)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return conversion{}, err
	}
	return conversion{Source: source, Destination: destination}, nil
}
