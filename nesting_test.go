package cloudconvert_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// nested returns a task within a task, n times.
func nested(n int, open, shut string) []byte {
	return []byte(strings.Repeat(open, n) + `{"id": "innermost"}` + strings.Repeat(shut, n))
}

// Whoever makes tasks of jobs of tasks must not keep the program busy for minutes.
func TestTasksWithinTasksAreReadFast(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open, shut string
		levels     int
	}{
		"jobs":                 {`{"id": "1", "job": {"id": "2", "tasks": [`, `]}}`, 3000},
		"retries":              {`{"id": "1", "retries": [`, `]}`, 4500},
		"depends on":           {`{"id": "1", "depends_on_tasks": [`, `]}`, 4500},
		"both, by turns":       {`{"id": "1", "retries": [{"id": "2", "depends_on_tasks": [`, `]}]}`, 2000},
		"payload":              {`{"id": "1", "payload": {"a": [`, `]}}`, 3000},
		"metadata":             {`{"id": "1", "result": {"metadata": {"a": [`, `]}}}`, 2000},
		"files":                {`{"id": "1", "result": {"files": [`, `]}}`, 3000},
		"form":                 {`{"id": "1", "result": {"form": {"url": "u", "parameters": {"a": `, `}}}}`, 2000},
		"texts":                {`{"id": "1", "depends_on_task_ids": [`, `]}`, 4500},
		"texts in an object":   {`{"id": "1", "depends_on_task_ids": {"a": `, `}}`, 4500},
		"names of other tasks": {`{"id": "1", "depends_on_tasks": {"a": `, `}}`, 4500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := nested(c.levels, c.open, c.shut)
			begun := time.Now()
			var task cloudconvert.Task
			require.NoError(t, json.Unmarshal(data, &task))
			assert.Less(t, time.Since(begun), 5*time.Second)
			_, ok := stable[cloudconvert.Task](t, data)
			assert.True(t, ok)
		})
	}
}

func TestTasksWithinTasksAreReadTenLevelsDeep(t *testing.T) {
	t.Parallel()
	depth := func(n int) (levels int) {
		task := decodeTask(t, string(nested(n, `{"id": "1", "job": {"id": "2", "tasks": [`, `]}}`)))
		for at := &task; at.Job != nil; levels++ {
			if len(at.Job.Tasks) == 0 {
				return 2*levels + 1
			}
			at = &at.Job.Tasks[0]
		}
		return 2 * levels
	}
	assert.Equal(t, 8, depth(4))
	assert.Equal(t, 10, depth(5))
	assert.Equal(t, 10, depth(6))
}
