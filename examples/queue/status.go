package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// status prints how many files are in which state, and the newest failures.
func status(ctx context.Context, s settings, stdout io.Writer) error {
	db, err := open(ctx, s, false)
	if err != nil {
		return err
	}
	defer db.close() //nolint:errcheck // it was only read.
	counts, err := count(ctx, db)
	if err != nil {
		return fmt.Errorf("read %v: %w", &s, err)
	}
	for _, line := range []struct {
		name   string
		states []rivertype.JobState
	}{
		{"waiting", []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending}},
		{"converting", []rivertype.JobState{rivertype.JobStateRunning, rivertype.JobStateScheduled}},
		{"to be retried", []rivertype.JobState{rivertype.JobStateRetryable}},
		{"converted", []rivertype.JobState{rivertype.JobStateCompleted}},
		{"failed", []rivertype.JobState{rivertype.JobStateCancelled, rivertype.JobStateDiscarded}},
	} {
		n := 0
		for _, state := range line.states {
			n += counts[state]
		}
		fmt.Fprintf(stdout, "%8d %s\n", n, line.name)
	}
	return printFailures(ctx, db, stdout)
}

// count counts the files in each state. River has no method for it.
func count(ctx context.Context, db *database) (map[rivertype.JobState]int, error) {
	rows, err := db.QueryContext(ctx, "SELECT state, count(*) FROM river_job WHERE kind = '"+conversion{}.Kind()+"' GROUP BY state")
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err has the error.
	counts := map[rivertype.JobState]int{}
	for rows.Next() {
		var state rivertype.JobState
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, err
		}
		counts[state] = n
	}
	return counts, rows.Err()
}

// maxFailures limits the failures that are printed.
const maxFailures = 20

func printFailures(ctx context.Context, db *database, stdout io.Writer) error {
	client, err := db.client(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	list, err := client.JobList(ctx, river.NewJobListParams().Kinds(conversion{}.Kind()).
		States(rivertype.JobStateCancelled, rivertype.JobStateDiscarded, rivertype.JobStateRetryable).
		OrderBy(river.JobListOrderByID, river.SortOrderDesc).First(maxFailures))
	if err != nil {
		return err
	}
	for _, job := range list.Jobs {
		var c conversion
		if err := json.Unmarshal(job.EncodedArgs, &c); err != nil {
			return fmt.Errorf("job %d: %w", job.ID, err)
		}
		reason := "cancelled"
		if n := len(job.Errors); n > 0 {
			reason = strings.TrimPrefix(job.Errors[n-1].Error, "JobCancelError: ")
		}
		if job.State == rivertype.JobStateRetryable {
			reason += "; to be retried at " + job.ScheduledAt.Local().Format(time.DateTime)
		}
		fmt.Fprintf(stdout, "%s: %s\n", printable(c.Source), printable(reason))
	}
	return nil
}

// printable keeps names and messages from controlling the terminal.
func printable(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
