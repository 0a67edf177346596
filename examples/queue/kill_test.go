package main

import (
	"context"
	crand "crypto/rand"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

type sqlTx = *sql.Tx

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

func TestKilledProcesses(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		testKilledProcesses(t, "")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		testKilledProcesses(t, newDatabase(t))
	})
}

// testKilledProcesses lets four processes convert 200 files, and kills and replaces two
// of them.
func testKilledProcesses(t *testing.T, databaseURL string) {
	t.Helper()
	const files = 200
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	q := newQueue(t, databaseURL, cloudconverttest.WithTaskDurationFunc(func(operation string) time.Duration {
		if operation != "convert" {
			return 0
		}
		return rand.N(500 * time.Millisecond) // some outlast the wait of an attempt
	}))
	var paths []string
	for i := range files {
		paths = append(paths, q.write(t, fmt.Sprintf("%03d.txt", i)))
	}
	q.add(t, paths...)
	processes := make([]*process, 4)
	for i := range processes {
		processes[i] = q.startWork(t, "-concurrency", "4")
	}
	for _, when := range []int{random.IntN(files / 4), files/3 + random.IntN(files/4)} {
		q.converted(t, when)
		timer := time.NewTimer(time.Duration(random.IntN(200)) * time.Millisecond)
		<-timer.C
		i := random.IntN(len(processes))
		q.kill(t, processes[i])
		processes[i] = q.startWork(t, "-concurrency", "4")
	}
	// A new leader looks for dead processes at once, and not every 30 seconds only. Their
	// files were rescued long ago: no request of theirs is on its way.
	resign, age := time.NewTicker(3*time.Second), time.NewTicker(300*time.Millisecond)
	defer resign.Stop()
	defer age.Stop()
	eventually(t, func() bool {
		select {
		case <-resign.C:
			require.NoError(t, q.client.Notify().RequestResign(t.Context()))
		case <-age.C:
			q.exec(t, "UPDATE river_job SET scheduled_at = '2020-01-01 00:00:00.000' WHERE state = 'retryable'")
		default:
		}
		return len(q.jobs(t, rivertype.JobStateCompleted)) == files
	}, processes[0].stderr)

	assert.Len(t, q.jobs(t), files)
	for _, path := range paths {
		content, err := os.ReadFile(strings.TrimSuffix(path, ".txt") + ".pdf")
		require.NoError(t, err)
		assert.Equal(t, "PDF of "+filepath.Base(path), string(content))
	}
	entries, err := os.ReadDir(q.dir)
	require.NoError(t, err)
	for _, entry := range entries {
		switch filepath.Ext(entry.Name()) {
		case ".txt", ".pdf":
		default:
			assert.Regexp(t, `\.part$`, entry.Name()) // of a killed process
		}
	}
	jobs := q.server.Jobs()
	assert.Len(t, jobs, files)
	tags := map[string]bool{}
	for _, job := range jobs {
		tags[job.Tag] = true
	}
	assert.Len(t, tags, files)
	var rescued, snoozed int
	for _, job := range q.jobs(t) {
		if len(job.Errors) > 0 {
			rescued++
		}
		if strings.Contains(string(job.Metadata), `"snoozes"`) {
			snoozed++
		}
	}
	t.Logf("%d were rescued, %d snoozed", rescued, snoozed)
	assert.Positive(t, snoozed)
	assert.Equal(t, q.killed > 0, rescued > 0)
}

// newDatabase creates a PostgreSQL database for the test, and returns its URL.
func newDatabase(t *testing.T) string {
	t.Helper()
	server := os.Getenv(postgresVariable)
	if server == "" {
		t.Skip(postgresVariable + " is not set")
	}
	location, err := url.Parse(server)
	require.NoError(t, err)
	admin, err := sql.Open("pgx", server)
	require.NoError(t, err)
	name := "queue_" + strings.ToLower(crand.Text())
	_, err = admin.ExecContext(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.ExecContext(context.WithoutCancel(t.Context()), "DROP DATABASE "+name+" WITH (FORCE)")
		assert.NoError(t, err)
		assert.NoError(t, admin.Close())
	})
	location.Path = "/" + name
	return location.String()
}
